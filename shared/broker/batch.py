"""From raw stream entries to events: what can be read is delivered, what cannot is set aside, one by one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import ValidationError

from shared.broker.failures import INVALID
from shared.envelope import decode
from shared.errors import Permanent
from shared.events import Event

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Delivery(Generic[E]):
    """One event handed to a handler. `attempt` counts deliveries, this one included, so 1 is the first."""

    entry_id: str
    event: E
    attempt: int


Handler = Callable[[Sequence[Delivery[E]]], Awaitable[Mapping[str, Exception]]]
"""Does the work of a batch and commits it through the store, which acknowledges the entries.

Returns the entries that failed, by id. It may be called again with entries it has finished: the store ignores those.
"""


@dataclass(frozen=True, slots=True)
class RawEntry:
    """An entry as read: its id, its fields, and how often it has been delivered."""

    entry_id: str
    fields: Mapping[bytes, bytes]
    attempt: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry that no handler can take, and why."""

    entry: RawEntry
    error: Permanent


@dataclass(frozen=True, slots=True)
class Batch(Generic[E]):
    """Raw entries, sorted."""

    deliveries: list[Delivery[E]] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


def event_in(fields: Mapping[bytes, bytes], model: type[E]) -> E:
    """The event of an entry. Raises Permanent with rule `malformed-entry` or `invalid-event`."""
    _, body = decode(fields)
    try:
        event = model.from_json(body)
    except ValidationError as error:
        raise Permanent(f"not a valid {model.__name__}: {_first(error)}", rule=INVALID) from error
    if event.meta.version != model.VERSION:
        raise Permanent(f"{model.__name__} of unknown major version {event.meta.version}", rule=INVALID)
    return event


def sort(entries: Sequence[RawEntry], model: type[E]) -> Batch[E]:
    """Decode and validate each entry on its own; a bad one never costs its neighbours."""
    batch: Batch[E] = Batch()
    for entry in entries:
        try:
            event = event_in(entry.fields, model)
        except Permanent as error:
            batch.unreadable.append(Unreadable(entry, error))
        else:
            batch.deliveries.append(Delivery(entry.entry_id, event, entry.attempt))
    return batch


def _first(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_input=False, include_context=False)
    place = ".".join(str(part) for part in details[0]["loc"]) or "body"
    return f"{place}: {details[0]['msg']} ({len(details)} errors)"
