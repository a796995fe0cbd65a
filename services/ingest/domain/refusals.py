"""Why an input is refused: the field at fault and what is wrong with it, never what was sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.errors import Permanent

MAX_FAULTS: Final = 10
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-\[\]]{1,64}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One field and what is wrong with it."""

    field: str
    detail: str


class Refused(Permanent):
    """The input will never be taken. `rule` is `invalid-field`, `too-large` or `unsupported-media-type`."""

    def __init__(self, faults: Sequence[Fault], *, rule: str = "invalid-field") -> None:
        self.faults = tuple(faults[:MAX_FAULTS])
        super().__init__("; ".join(f"{fault.field}: {fault.detail}" for fault in self.faults[:3]), rule=rule)


def refuse(field: str, detail: str, *, rule: str = "invalid-field") -> Refused:
    """A refusal for one field."""
    return Refused([Fault(field, detail)], rule=rule)


def shown_name(name: str) -> str:
    """A sender's field name, when it is harmless to repeat."""
    return name if _NAME.fullmatch(name) else "(a name with odd characters)"


def unknown(names: Sequence[str], known: Sequence[str]) -> list[Fault]:
    """A fault per unknown name, at most ten."""
    hint = ", ".join(known)
    faults = [Fault(shown_name(name), "is not known") for name in names[:MAX_FAULTS]]
    if faults:
        faults[0] = Fault(faults[0].field, f"is not known; known: {hint}")
    return faults
