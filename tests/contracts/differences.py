"""Where an engine may differ from the others: the only such table. The behaviour suite tests each row both ways."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """What `engine` does otherwise, under the name that the suite asks for it by."""

    engine: str
    name: str
    what: str


DIFFERENCES = (
    Difference("meilisearch", "eszett", "`strass` does not find `Straße`: `ß` is a letter of its own, not `ss`."),
    Difference(
        "meilisearch",
        "phrases-bounded",
        "A strict or boolean search with a phrase looks at the newest 2,000 articles that hold the phrase's words;"
        " where there are more, the total is a lower bound and says so.",
    ),
    Difference(
        "meilisearch",
        "second-writer",
        "The engine does not refuse a second writing process; index services hold a lease in Redis instead.",
    ),
)
