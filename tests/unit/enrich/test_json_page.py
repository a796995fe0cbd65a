"""JSON articles: text that was decoded twice before it was sent."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from services.enrich.domain.json_page import read
from shared.articles import Submission


@pytest.mark.parametrize(
    "body",
    [
        {"text": "Die FÃ¤hre fÃ¤hrt wieder."},
        {"paragraphs": ["Die FÃ¤hre fÃ¤hrt wieder."]},
        {"html": "<p>Die FÃ¤hre fÃ¤hrt wieder.</p>"},
        {"html": "<p>Die Fähre fährt wieder.</p>"},
    ],
)
def test_double_encoding_is_repaired_in_every_kind_of_body(body: dict[str, Any]) -> None:
    reading = read(orjson.dumps(body), Submission(source="gazette", title="Fahrplan"))
    assert reading.paragraphs == ("Die Fähre fährt wieder.",)
