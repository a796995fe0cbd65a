# ruff: noqa: E501, ISC004 (pages and their lines are data; a property may end in a refusal)
"""Pages for the enrich tests, all written for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.enrich.domain.reading import RawPage
from shared.articles import InputKind, Submission

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)

TITLE = "Town clock strikes thirteen for the first time in a century"
DEK = "Engineers blame a worn cam, residents blame the mayor"
BODY = (
    "The clock of Aldermoor struck thirteen at noon on Monday, and by one o'clock half the town stood in the square to "
    "hear whether it would do so again. It did, at midnight, with a crowd of some four hundred people listening.",
    "Mara Holt, who has wound the clock for 22 years, said a cam the size of a coin had worn down by less than a "
    "millimetre. Replacing it will take a week and cost about 3.5 thousand crowns, according to Dr. Lind of the works.",
    "The mayor promised that the money would be found. He asked residents not to set their watches by the tower until "
    "Friday, when a crane is due to arrive from the harbour and lift the old wheel out through the roof.",
    "Children have taken to counting aloud with the bell. The school has moved its lunch break to a quarter past, and "
    "the bakery sells a roll with thirteen seeds on it, which was sold out on both days before ten in the morning.",
)
TEASERS = (
    ("Harbour crane passes its yearly test", "The oldest crane on the quay lifted forty tonnes on Tuesday and did not even creak while it did so."),
    ("Bakery Opens a Second Shop. At Last.", "After nine years of queues the baker has rented the empty florist's and will open there in the spring."),
    ("Who owns the meadow behind the school?", "Two families and the town each say that the meadow is theirs, and a map from 1811 may settle the matter."),
)  # fmt: skip


def raw_page(
    data: str | bytes, kind: str = "text", media_type: str = "text/plain; charset=utf-8", **given: Any
) -> RawPage:
    return RawPage(
        article_id="a" * 26,
        rev=1,
        kind=InputKind(kind),
        media_type=media_type,
        data=data.encode() if isinstance(data, str) else data,
        submission=Submission(**given),
        received_at=NOON,
        first_received_at=NOON,
    )


def html_page(body: str, head: str = "", lang: str = "en") -> str:
    return f"<!DOCTYPE html><html lang='{lang}'><head>{head}</head><body>{body}</body></html>"


def paragraphs_html() -> str:
    return "".join(f"<p>{text}</p>" for text in BODY)
