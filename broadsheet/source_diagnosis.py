"""`broadsheet doctor` check of sources with dead-lettered or unpublished articles."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from broadsheet.finding import Finding
from shared.clock import now
from shared.store import Redis, Sources
from shared.store.sources import SourceRecord

_PAGE: Final = 500
_SHOWN: Final = 5
_PUBLISH_SECONDS: Final = 300.0
"""Accepted articles that are not published after this time count as a problem."""


async def sources(client: Redis) -> list[Finding]:
    """One finding for all sources; names the first few with a problem."""
    repository = Sources(client)
    total, problems, after = 0, list[str](), ""
    while page := await repository.page(after=after, limit=_PAGE):
        total, after = total + len(page), page[-1].source_id
        problems += [f"{record.source_id}: {problem}" for record in page if (problem := problem_of(record))]
    more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    text = "; ".join(problems[:_SHOWN]) + more if problems else f"{total} sources"
    return [Finding("sources", not problems, text, "`broadsheet source show ID`, then `broadsheet dead list`")]


def problem_of(record: SourceRecord) -> str:
    """The problem of a source; empty if there is none. An unavailable feed is not a problem of this installation."""
    state, counts = record.state, record.counts
    if record.spec.get("paused"):
        return ""
    if dead := int(counts.get("dead", 0)):
        return f"{dead} articles of the last poll are dead-lettered: {counts.get('dead_reason', '')}"
    polled = state.get("succeeded_at", "")
    waited = (now() - datetime.fromisoformat(polled)).total_seconds() if polled else 0.0
    if state.get("accepted_total") and counts.get("published_total", "0") == "0" and waited > _PUBLISH_SECONDS:
        return f"{state['accepted_total']} articles accepted, none published"
    return ""
