"""Assigns annotated pages to cross-validation folds: all pages of a site go into the same fold."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import numpy as np

from broadsheet.bench.quality.pages import JudgedPage

_SECOND_LEVEL = frozenset(["co", "com", "org", "net", "edu", "gov", "ac"])


def folds_of(pages: Sequence[JudgedPage], folds: int, draw: int) -> list[int]:
    """Fold number per page. A page without a URL counts as its own site."""
    random = np.random.RandomState(draw)
    of_site: dict[str, int] = {}
    return [
        int(of_site.setdefault(site, drawn) if (site := _site(page.url)) else drawn)
        for page in pages
        for drawn in [random.randint(0, folds)]
    ]


def _site(url: str | None) -> str:
    """The registered part of the host, roughly: `example.co.uk`."""
    parts = (urlsplit(url or "").hostname or "").split(".")
    return ".".join(parts[-3 if len(parts) > 2 and parts[-2] in _SECOND_LEVEL else -2 :])
