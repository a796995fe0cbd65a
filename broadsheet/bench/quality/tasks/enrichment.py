"""Language, keyphrases and names of the enrich service, scored against annotations."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

import py3langid  # type: ignore[import-untyped]
from Stemmer import Stemmer  # type: ignore[import-not-found]
from yake import KeywordExtractor  # type: ignore[import-untyped]

from broadsheet.bench.quality.material import json_lines
from broadsheet.bench.quality.scoring import f1
from broadsheet.bench.quality.task import Score, Stopwatch, Task, TaskOutcome
from services.enrich.adapters.spacy_names import name_finder
from services.enrich.domain.language import detection
from services.enrich.domain.names.entities import mentions
from services.enrich.domain.names.names import NameFinder
from services.enrich.domain.names.rules import RULES
from services.enrich.domain.terms.keyphrases import keyphrases
from services.enrich.settings import EnrichSettings

_LANGUAGES: Final = "enrich/langid_lingua.jsonl.zst"
_LANGUAGE_TARGETS: Final = {"sentences": (0.94, 0.97), "word-pairs": (0.82, 0.88)}
_CUT: Final = 10
_NER: Final = "enrich/wikigold_ner.jsonl.zst"
_KINDS: Final = {"PER": "person", "ORG": "organisation", "LOC": "place"}
_WORD: Final = re.compile(r"[^\W_]+")
_SNOWBALL: Final = {"en": "english", "fr": "french", "pt": "portuguese"}


def _languages(data: Path) -> TaskOutcome:
    """Macro accuracy over the languages of the file."""
    rows = list(json_lines(data / _LANGUAGES))
    detection.load()
    detection.classify("A first text costs more than the next.")
    watch, other = Stopwatch(), Stopwatch()
    with watch.running():
        mine = [detection.classify(row["text"]).tag for row in rows]
    with other.running():
        theirs = [str(py3langid.classify(row["text"])[0]) for row in rows]
    scores: list[Score] = []
    for kind in sorted({row["kind"] for row in rows}):
        numbers = [number for number, row in enumerate(rows) if row["kind"] == kind]
        value, baseline = (_macro((rows[n]["lang"], told[n]) for n in numbers) for told in (mine, theirs))
        reach, aim = _LANGUAGE_TARGETS.get(kind, (None, None))
        scores.append(Score(f"macro accuracy, {kind}", value, len(numbers), baseline, reach, aim, measured=True))
    note = f"CPU ms a text: product {watch.ms_per(len(rows)):.2f}, py3langid {other.ms_per(len(rows)):.2f}"
    return TaskOutcome(tuple(scores), len(rows), watch.ms_per(len(rows)), (note,))


def _macro(pairs: Iterable[tuple[str, str]]) -> float:
    told: dict[str, list[bool]] = defaultdict(list)
    for wanted, got in pairs:
        told[wanted].append(got == wanted)
    return sum(sum(flags) / len(flags) for flags in told.values()) / max(1, len(told))


class _Set(NamedTuple):
    """A file of texts with annotated phrases, its language and its targets."""

    path: str
    language: str
    targets: tuple[float, float] | None


def _keyphrases(one: _Set, data: Path) -> TaskOutcome:
    """F1 of mean precision and mean recall of the ten heaviest phrases.

    Phrases are compared by Snowball stems; by this rule YAKE has its published score.
    """
    rows = list(json_lines(data / one.path))
    yake = KeywordExtractor(lan=one.language, n=1, top=_CUT)
    keyphrases(rows[0]["text"], one.language)
    watch, other = Stopwatch(), Stopwatch()
    with watch.running():
        mine = [[found.phrase for found in keyphrases(row["text"], one.language)] for row in rows]
    with other.running():
        theirs = [[str(phrase) for phrase, _ in yake.extract_keywords(row["text"])] for row in rows]
    reach, aim = one.targets or (None, None)
    stem = Stemmer(_SNOWBALL[one.language])
    value, baseline = (_phrase_f1(rows, found, stem.stemWord) for found in (mine, theirs))
    exact, exact_baseline = (_phrase_f1(rows, found, str) for found in (mine, theirs))
    scores = (
        Score("keyphrases F1@10, stems", value, len(rows), baseline, reach, aim, measured=True),
        Score("keyphrases F1@10, same letters", exact, len(rows), exact_baseline, measured=True),
    )
    note = f"CPU ms a text: product {watch.ms_per(len(rows)):.2f}, YAKE n=1 {other.ms_per(len(rows)):.2f}"
    return TaskOutcome(scores, len(rows), watch.ms_per(len(rows)), (note,))


def _phrase_f1(rows: Sequence[Mapping[str, Any]], found: Sequence[Sequence[str]], stem: Callable[[str], str]) -> float:
    def same(phrases: Iterable[str]) -> set[str]:
        return {" ".join(stem(word) for word in phrase.lower().split()) for phrase in phrases}

    precision = recall = 0.0
    for row, phrases in zip(rows, found, strict=True):
        wanted, got = same(row["keyphrases"]), same(phrases[:_CUT])
        precision += len(wanted & got) / max(1, len(got))
        recall += len(wanted & got) / max(1, len(wanted))
    total = precision + recall
    return 2 * precision * recall / (total * len(rows)) if total else 0.0


def _entities(data: Path) -> TaskOutcome:
    """Names found, as kind and words, compared with annotations, sentence by sentence.

    With the model of `ENRICH_ENTITY_MODEL` if set; the rules are then the baseline.
    """
    rows = list(json_lines(data / _NER))
    model = EnrichSettings().entity_model
    scores, watch = _named(rows, name_finder(model))
    if not model:
        return TaskOutcome(tuple(scores), len(rows), watch.ms_per(len(rows)))
    alone, other = _named(rows, RULES)
    compared = tuple(
        replace(mine, baseline=rules.value, measured=True) for mine, rules in zip(scores, alone, strict=True)
    )
    note = f"CPU ms a sentence: with {model} {watch.ms_per(len(rows)):.2f}, rules alone {other.ms_per(len(rows)):.2f}"
    return TaskOutcome(compared, len(rows), watch.ms_per(len(rows)), (note,))


def _named(rows: Sequence[Mapping[str, Any]], finder: NameFinder) -> tuple[list[Score], Stopwatch]:
    mentions(["A first text costs more than the next."], "en", finder)
    watch = Stopwatch()
    hits = false = missed = 0
    for row in rows:
        wanted = Counter(_marked(row["tokens"], row["tags"]))
        with watch.running():
            found = mentions([" ".join(row["tokens"])], "en", finder)
        got = Counter((one.kind.value, " ".join(_WORD.findall(one.text))) for one in found)
        same = (wanted & got).total()
        hits, false, missed = hits + same, false + got.total() - same, missed + wanted.total() - same
    values = (f1(hits, false, missed), hits / max(1, hits + false), hits / max(1, hits + missed))
    named = zip(("F1", "precision", "recall"), values, strict=True)
    return [Score(f"entities {name}", value, len(rows)) for name, value in named], watch


def _marked(tokens: Sequence[str], tags: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The runs of tokens with the same tag, as kind and words; other kinds of names are ignored."""
    for tag, run in groupby(zip(tags, tokens, strict=True), key=itemgetter(0)):
        if (kind := _KINDS.get(tag.rpartition("-")[2])) is not None:
            yield kind, " ".join(_WORD.findall(" ".join(token for _, token in run)))


_SETS: Final = {
    "keyphrases-en": _Set("enrich/kpcrowd500.jsonl.zst", "en", (0.20, 0.24)),
    "keyphrases-fr": _Set("enrich/wikinews_fr_kp.jsonl.zst", "fr", (0.26, 0.30)),
    "keyphrases-pt": _Set("enrich/pt110_kp.jsonl.zst", "pt", None),
}

TASKS: Final = (
    Task("language", "the language of sentences and of word pairs", (_LANGUAGES,), _languages),
    Task("entities", "names in sentences of Wikipedia", (_NER,), _entities),
    *(
        Task(name, f"what a text is about ({one.language})", (one.path,), partial(_keyphrases, one))
        for name, one in _SETS.items()
    ),
)
