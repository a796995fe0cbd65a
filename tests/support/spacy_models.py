"""Small spaCy pipelines, made where they are needed. spaCy is the optional extra `ner`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

WHY = "spaCy is absent: `uv sync --all-extras` installs it (./dev leaves the extra `ner` out)"


def spacy_library() -> Any:
    """spaCy itself; skips loudly where it is absent."""
    return pytest.importorskip("spacy", reason=WHY)


def ruler(directory: Path, *, language: str = "en", version: str = "1.2") -> Path:
    """A pipeline of rules of its own, saved: it marks four names."""
    nlp = spacy_library().blank(language, meta={"name": "harbour", "version": version})
    nlp.add_pipe("entity_ruler").add_patterns([
        {"label": "PERSON", "pattern": "Brandt"},
        {"label": "ORG", "pattern": "the Rovings"},
        {"label": "GPE", "pattern": "the U.K."},
        {"label": "MONEY", "pattern": "Euros"},
    ])  # fmt: skip
    nlp.to_disk(directory)
    return directory
