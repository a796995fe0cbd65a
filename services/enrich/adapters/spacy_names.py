"""Name finder with a spaCy pipeline (`ENRICH_ENTITY_MODEL`); spaCy is the optional extra `ner`.

The pipeline is supplied by the operator: a directory written by `Language.to_disk`, or an installed package. Nothing is
downloaded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from services.enrich.domain.names.completion import CombinedFinder
from services.enrich.domain.names.names import Name, NameFinder, normalise_name
from services.enrich.domain.names.rules import RULES
from shared.articles import EntityKind
from shared.errors import Permanent

_MANY: Final = frozenset(["xx", "mul"])
"""spaCy's language code of multi-language pipelines."""
_USUAL: Final = frozenset([
    "tok2vec", "transformer", "curated_transformer", "ner", "tagger", "morphologizer", "parser", "senter",
    "sentencizer", "lemmatizer", "trainable_lemmatizer", "attribute_ruler", "textcat", "textcat_multilabel",
])  # fmt: skip
"""Components of trained pipelines. Each depends only on the components it listens to."""
_MAX_TOKENS: Final = 8_000
"""Maximum tokens per text; 20,000 characters of prose have about 4,000."""
_LONG: Final = re.compile(r"\S{101,}")
_PIECE: Final = re.compile(r"\S{1,99}[^\w\s](?=\S)|\S{100}")
"""Splits text without spaces: after the last punctuation within 100 characters, else after 100."""
_VECTORS: Final = frozenset(["tok2vec", "transformer", "curated_transformer"])

KINDS: Final[Mapping[str, EntityKind]] = {
    **dict.fromkeys(["PERSON", "PER", "PRS", "PS", "persName"], EntityKind.PERSON),
    **dict.fromkeys(["ORG", "ORGANIZATION", "OG", "GPE_ORG", "orgName"], EntityKind.ORGANISATION),
    **dict.fromkeys(["GPE", "LOC", "FAC", "FACILITY", "LC", "GPE_LOC", "placeName", "geogName"], EntityKind.PLACE),
}
"""Entity labels of spaCy's trained pipelines, by corpus: OntoNotes, WikiNER, NKJP, SUC, NorNE, KLUE, ..."""


def name_finder(model: str) -> NameFinder:
    """The name finder for this setting: the rules, extended by the pipeline in this directory or package if set.

    Raises Permanent if the model cannot be used; there is no fallback to the rules only.
    """
    return CombinedFinder(load(model)) if model else RULES


class SpacyNames:
    """A loaded pipeline as a `NameFinder`."""

    def __init__(self, nlp: Any, version: str) -> None:
        self._nlp = nlp
        self.version = version

    def supports(self, language: str) -> bool:
        """Whether the pipeline is for this language or multi-language."""
        return self._nlp.lang in _MANY or language.partition("-")[0] == self._nlp.lang

    def find(self, text: str, language: str) -> list[Name]:  # noqa: ARG002 - the port's signature
        """Spans labelled as people, organisations or places, paragraph by paragraph."""
        found: list[Name] = []
        # Strings that a text adds to the vocabulary are freed after it: a child parses thousands of texts.
        with self._nlp.memory_zone():
            for doc in self._nlp.pipe(self._docs(text)):
                for marked in doc.ents:
                    kind = KINDS.get(marked.label_)
                    if kind is not None and (name := normalise_name(marked.text, kind)) is not None:
                        found.append(name)
        return found

    def _docs(self, text: str) -> Iterator[Any]:
        """The tokens of each paragraph, up to the limit."""
        # spaCy strips punctuation character by character: 26 s of CPU for 20,000 brackets without a space.
        text = _LONG.sub(lambda run: _PIECE.sub(r"\g<0> ", run[0]), text)
        left = _MAX_TOKENS
        for line in text.split("\n"):
            if left > 0 and line.strip():
                doc = self._nlp.make_doc(line)
                yield doc if len(doc) <= left else doc[:left].as_doc()
                left -= len(doc)


def load(model: str) -> SpacyNames:
    """Load the pipeline in this directory or package. Raises Permanent."""
    try:
        import spacy
    except ImportError as error:
        raise _unusable(model, f"spaCy is not installed (the extra `ner`): {error}") from error
    try:
        nlp = spacy.load(model)
        _check(model, nlp)
        _only_what_names_need(nlp)
        finder = SpacyNames(nlp, f"{_name(nlp)}, spaCy {spacy.__version__}")
        finder.find("Nobody has read a word of this so far.", nlp.lang)
    except (
        ArithmeticError,
        AttributeError,
        ImportError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise _unusable(model, f"{type(error).__name__}: {' '.join(str(error).split())}") from error
    return finder


def _unusable(model: str, why: str) -> Permanent:
    return Permanent(f"ENRICH_ENTITY_MODEL={model}: {why}", rule="entity-model")


def _check(model: str, nlp: Any) -> None:
    labels = {label for component in nlp.pipe_labels.values() for label in component}
    if not labels & KINDS.keys():
        some = ", ".join(sorted(labels)[:10]) or "none"
        raise _unusable(model, f"no component marks people, organisations or places; its labels: {some}")


def _only_what_names_need(nlp: Any) -> None:
    """Remove tagger, parser and similar components (most of the CPU), unless the pipeline has custom components."""
    factories = {name: nlp.get_pipe_meta(name).factory for name in nlp.pipe_names}
    if not _USUAL.issuperset(factories.values()):
        return
    needed = {name for name, factory in factories.items() if factory == "ner"}
    for name, factory in factories.items():
        listeners = getattr(nlp.get_pipe(name), "listening_components", ())
        if name not in needed and not (factory in _VECTORS and needed.intersection(listeners)):
            nlp.remove_pipe(name)


def _name(nlp: Any) -> str:
    """Name, version and digest of the content, because retrained pipelines often keep their version."""
    digest = hashlib.sha256()
    for file in sorted(one for one in Path(nlp.path).rglob("*") if one.is_file()):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(nlp.path)} {content}\n".encode())
    name, version = (str(nlp.meta.get(key) or "?")[:80] for key in ("name", "version"))
    return f"{nlp.lang}_{name} {version} {digest.hexdigest()[:12]}"
