"""Decode raw stream entries into events. Each entry is decoded on its own: a malformed one never fails its batch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from shared.broker.failures import INVALID
from shared.envelope import decode
from shared.errors import Permanent
from shared.events import Event
from shared.observability.log_context import log_context

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Delivery(Generic[E]):
    """One event handed to a handler. `attempt` counts deliveries, this one included, so 1 is the first."""

    entry_id: str
    event: E
    attempt: int

    def log_keys(self) -> dict[str, Any]:
        """The keys that join a log line with all others of this entry and article."""
        return {"entry_id": self.entry_id, "attempt": self.attempt, **self.event.log_keys()}

    def log_context(self) -> AbstractContextManager[None]:
        """Bind `log_keys` to every line logged inside the block."""
        return log_context(**self.log_keys())


Handler = Callable[[Sequence[Delivery[E]]], Awaitable[Mapping[str, Exception]]]
"""Processes a batch and commits it through the store, which acknowledges the entries.

Returns the entries that failed, by id. It may be called again with entries that it has finished: the store ignores
those.
"""


@dataclass(frozen=True, slots=True)
class RawEntry:
    """An entry as read: its id, its fields, and its delivery count."""

    entry_id: str
    fields: Mapping[bytes, bytes]
    attempt: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry that cannot be decoded, with the error."""

    entry: RawEntry
    error: Permanent


@dataclass(frozen=True, slots=True)
class Batch(Generic[E]):
    """Decoded entries, and those that cannot be decoded."""

    deliveries: list[Delivery[E]] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


def decode_event(fields: Mapping[bytes, bytes], model: type[E]) -> E:
    """The event of an entry. Raises Permanent with rule `malformed-entry` or `invalid-event`."""
    _, body = decode(fields)
    try:
        event = model.from_json(body)
    except ValidationError as error:
        raise Permanent(f"not a valid {model.__name__}: {_first_error(error)}", rule=INVALID) from error
    if event.meta.version != model.VERSION:
        raise Permanent(f"{model.__name__} of unknown major version {event.meta.version}", rule=INVALID)
    return event


def decode_batch(entries: Sequence[RawEntry], model: type[E]) -> Batch[E]:
    """Decode and validate each entry on its own."""
    batch: Batch[E] = Batch()
    for entry in entries:
        try:
            event = decode_event(entry.fields, model)
        except Permanent as error:
            batch.unreadable.append(Unreadable(entry, error))
        else:
            batch.deliveries.append(Delivery(entry.entry_id, event, entry.attempt))
    return batch


def _first_error(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_input=False, include_context=False)
    place = ".".join(str(part) for part in details[0]["loc"]) or "body"
    return f"{place}: {details[0]['msg']} ({len(details)} errors)"
