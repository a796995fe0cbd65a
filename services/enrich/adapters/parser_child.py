"""Parser process: `python -m services.enrich.adapters.parser_child PARENT [MODEL]`.

MODEL is the value of `ENRICH_ENTITY_MODEL`; this process has no environment variables.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from services.enrich.adapters.spacy_names import name_finder
from services.enrich.domain import pipeline
from services.enrich.domain.language import detection
from services.enrich.domain.names import gazetteer
from services.enrich.domain.reading import RawPage
from shared.articles import InputKind, Submission
from shared.sandbox.template import serve

_PAGE: Final = TypeAdapter(RawPage)
_PLAIN_WARM_UP: Final = (
    b"Home\n\nThe lighthouse keeper retires\n\nBy Jane Doe\n3 March 2026, updated 3 hours ago\n\n"
    b"After forty years at the northern light the keeper hands over her keys.\n\nMost read\nThe boat is back\n"
)
_WARM_UP: Final = (
    b"<html><head><title>The lighthouse keeper retires</title></head>"
    b"<body><article><h1>The lighthouse keeper retires</h1>"
    b"<p>After forty years at the northern light the keeper hands over her keys, and nobody is left to take them.</p>"
    b"<p>From now on a computer two hundred miles away will switch the lamp on at dusk and off at dawn.</p>"
    b"</article></body></html>"
)
ODD_DATE_PAGE: Final = (
    b"<html><body><p class='date'>opublikowano: 7 kwietnia 2021 w porze xy</p><p>Fog over the bay.</p></body></html>"
)
"""Unknown date form for warm-up: dateparser then loads its languages, which costs more CPU than a document may use."""


def main() -> int:
    """Serve until the parent closes the pipe."""
    parser = DocumentParser(*sys.argv[2:3])
    return serve(parser.parse, parser.warm_up)


class DocumentParser:
    """The loaded pipeline. `model`: directory or package of a spaCy pipeline, empty for none."""

    def __init__(self, model: str = "") -> None:
        self._model = model
        self._recipe = pipeline.RECIPE  # until the model is loaded

    def warm_up(self) -> None:
        """Load every model and table, so that it does not count against the limits of a document.

        Raises Permanent if the model cannot be loaded.
        """
        self._recipe = pipeline.recipe(name_finder(self._model))
        detection.load()
        gazetteer.places()
        now = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
        pages = ((InputKind.HTML, _WARM_UP), (InputKind.HTML, ODD_DATE_PAGE), (InputKind.TEXT, _PLAIN_WARM_UP))
        for kind, data in pages:
            page = RawPage("a" * 26, 1, kind, "", data, Submission(), now, now)
            pipeline.run(page, time.perf_counter, self._recipe)

    def parse(self, head: bytes, data: bytes) -> bytes:
        """The result of one page as JSON. Raises Permanent."""
        page = replace(_PAGE.validate_json(head), data=data)
        return pipeline.run(page, time.perf_counter, self._recipe).model_dump_json().encode()


if __name__ == "__main__":
    sys.exit(main())
