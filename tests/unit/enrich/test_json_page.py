"""JSON articles: text that was decoded twice before it was sent, and lines of publishing software in plain text."""

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


SENTENCE = "The ferry leaves at six."


def plain(text: str) -> tuple[str, ...]:
    return read(orjson.dumps({"text": text}), Submission(source="gazette", title="Night boats")).paragraphs


@pytest.mark.parametrize(
    "closing",
    [
        "\n\nThe post Night boats appeared first on The Gazette.",
        " The post Night Boats appeared first on The Gazette.",
        "\n\nRead more",
        " Hosted on Acast. See acast.com/privacy for more information.",
        "\n\nLearn more about your ad choices. Visit megaphone.fm/adchoices",
        " [...]",
    ],
)
def test_lines_of_publishing_software_leave_plain_text(closing: str) -> None:
    assert plain(f"{SENTENCE}{closing}") == (SENTENCE,)


@pytest.mark.parametrize(
    "text",
    [
        "Permalink | Comments",
        "The post office appeared first on the list of buildings.",
        "Read more books, said the mayor.",
        "She was hosted on Monday by the mayor.",
    ],
)
def test_sentences_like_them_stay_in_plain_text(text: str) -> None:
    assert " ".join(plain(f"{SENTENCE}\n\n{text}")) == f"{SENTENCE} {text}"
    assert " ".join(plain(f"{SENTENCE} {text}")) == f"{SENTENCE} {text}"


def test_a_text_that_was_cut_off_ends_with_an_ellipsis() -> None:
    assert plain("The ferry leaves […]") == ("The ferry leaves…",)
