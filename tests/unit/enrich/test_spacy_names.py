"""A spaCy pipeline as a finder of names: loaded from a directory, bounded, and refused where it is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.enrich.adapters.spacy_names import load, name_finder
from services.enrich.domain.names.entities import entities
from services.enrich.domain.names.rules import RULES
from shared.articles import EntityKind
from shared.errors import Permanent
from tests.support.spacy_models import ruler, spacy_library

TEXT = "Reporters met Brandt of the Rovings in the U.K. for a few Euros. Brandt’s aide waited."

SMALL = {
    "@architectures": "spacy.HashEmbedCNN.v2", "width": 16, "depth": 1, "embed_size": 50, "pretrained_vectors": None,
    "window_size": 1, "maxout_pieces": 2, "subword_features": False,
}  # fmt: skip


def test_without_a_model_the_rules_find_names() -> None:
    assert name_finder("") is RULES


def test_a_saved_pipeline_finds_names_beside_the_rules(tmp_path: Path) -> None:
    finder = name_finder(str(ruler(tmp_path / "model")))
    found = {(one.id, one.mentions) for one in entities((TEXT,), "en", finder)}
    assert found == {("person:brandt", 2), ("organisation:rovings", 1), ("place:geonames-2635167", 1)}
    assert {one.id for one in entities((TEXT,), "de", finder)} == {"place:geonames-2635167"}


def test_the_version_names_model_content_and_library(tmp_path: Path) -> None:
    spacy = spacy_library()
    one, same = (load(str(ruler(tmp_path / name))) for name in ("one", "same"))
    assert one.version.startswith("en_harbour 1.2 ")
    assert one.version.endswith(f", spaCy {spacy.__version__}")
    assert one.version == same.version
    (patterns,) = (tmp_path / "same").rglob("patterns.jsonl")
    patterns.write_text(patterns.read_text("utf-8").replace("Brandt", "Arendt"), encoding="utf-8")
    assert load(str(tmp_path / "same")).version != one.version


def test_a_pipeline_for_many_languages_speaks_all(tmp_path: Path) -> None:
    finder = load(str(ruler(tmp_path / "model", language="xx")))
    assert finder.supports("de-AT")
    assert finder.supports("und")
    assert [name.kind for name in finder.find("Brandt kam.\n\nBrandt ging.", "de")] == [EntityKind.PERSON] * 2


@pytest.mark.parametrize(("shared", "kept"), [(True, ["tok2vec", "ner"]), (False, ["ner"])])
def test_of_a_trained_pipeline_only_what_names_need_is_run(tmp_path: Path, shared: bool, kept: list[str]) -> None:
    nlp = spacy_library().blank("en")
    nlp.add_pipe("tok2vec", config={"model": SMALL})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16, "upstream": "*"}
    nlp.add_pipe("tagger", config={"model": {"tok2vec": listener}}).add_label("NN")
    nlp.add_pipe("ner", config={"model": {"tok2vec": listener if shared else SMALL}}).add_label("PERSON")
    nlp.initialize()
    nlp.to_disk(tmp_path / "model")
    finder = load(str(tmp_path / "model"))
    assert finder._nlp.pipe_names == kept
    finder.find(TEXT, "en")
    weights = tmp_path / "model" / "ner" / "model"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(Permanent, match=r"^ENRICH_ENTITY_MODEL="):
        load(str(tmp_path / "model"))


def test_a_pipeline_with_parts_of_its_own_is_run_whole(tmp_path: Path) -> None:
    spacy = spacy_library()
    nlp = spacy.load(ruler(tmp_path / "ruler"))
    nlp.add_pipe("sentencizer", first=True)
    nlp.to_disk(tmp_path / "model")
    assert load(str(tmp_path / "model"))._nlp.pipe_names == ["sentencizer", "entity_ruler"]


@pytest.mark.parametrize("text", ["(" * 20_000, "a/" * 10_000, "A " * 10_000, "A\n" * 10_000, "😀'" * 10_000])
def test_no_text_makes_more_tokens_than_a_limit(tmp_path: Path, text: str) -> None:
    finder = load(str(ruler(tmp_path / "model")))
    docs = list(finder._docs(text))
    assert 0 < sum(map(len, docs)) <= 8_000
    # What has no blank costs the tokenizer the square of its length.
    assert max(len(word) for doc in docs for word in doc.text.split()) <= 100
    assert finder.find(text, "en") == []


def test_a_name_behind_a_long_row_of_signs_is_still_found(tmp_path: Path) -> None:
    finder = load(str(ruler(tmp_path / "model")))
    assert [name.text for name in finder.find("-" * 500 + " Brandt " + "x" * 500, "en")] == ["Brandt"]


def test_what_is_no_pipeline_is_refused_by_the_name_of_the_setting(tmp_path: Path) -> None:
    spacy = spacy_library()
    (tmp_path / "empty").mkdir()
    truncated = ruler(tmp_path / "truncated")
    (truncated / "config.cfg").write_text("[nlp", encoding="utf-8")
    vocabulary = ruler(tmp_path / "vocabulary")
    (vocabulary / "vocab" / "strings.json").write_text("{", encoding="utf-8")
    patterns = ruler(tmp_path / "patterns")
    next(patterns.rglob("patterns.jsonl")).write_bytes(b"\xff\xfe")
    unknown = ruler(tmp_path / "unknown")
    config = unknown / "config.cfg"
    config.write_text(config.read_text("utf-8").replace('factory = "entity_ruler"', 'factory = "nobody"'), "utf-8")
    nameless = spacy.blank("en")
    nameless.add_pipe("sentencizer")
    nameless.to_disk(tmp_path / "nameless")
    for name in ("absent", "empty", "truncated", "vocabulary", "patterns", "unknown", "nameless"):
        with pytest.raises(Permanent, match=rf"^ENRICH_ENTITY_MODEL={tmp_path / name}: ") as caught:
            load(str(tmp_path / name))
        print(caught.value)
    with pytest.raises(Permanent, match="no component marks people"):
        load("blank:en")
