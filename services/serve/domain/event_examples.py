"""One example of every public event, built by the production code."""

from __future__ import annotations

from typing import Any, Final

from services.serve.domain.control_frames import control_event
from shared.cloudevents import cloud_event
from shared.event_examples import example_event

CURSOR: Final = "1773489660000-0"
_CONTROL: Final[dict[str, dict[str, Any]]] = {
    "stream.hello": {"from": "1773489600000-0", "head": CURSOR},
    "stream.gap": {"requested": "1546300800000-0", "resumed_from": "earliest", "reason": "trimmed"},
    "stream.position": {"position": CURSOR},
}


def example(kind: str, source: str) -> dict[str, Any]:
    """The CloudEvent of this type, such as `article.published`; raises KeyError for another name."""
    if kind in _CONTROL:
        return control_event(kind, CURSOR, _CONTROL[kind], source=source)
    return cloud_event(example_event(kind), cursor=CURSOR, source=source)
