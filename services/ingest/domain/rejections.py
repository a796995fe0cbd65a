"""Rejected input: the field at fault and what is wrong with it. Never repeats what was sent."""

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


class InputRejected(Permanent):
    """The input is invalid. `rule` is `invalid-field`, `too-large` or `unsupported-media-type`."""

    def __init__(self, faults: Sequence[Fault], *, rule: str = "invalid-field") -> None:
        self.faults = tuple(faults[:MAX_FAULTS])
        super().__init__("; ".join(f"{fault.field}: {fault.detail}" for fault in self.faults[:3]), rule=rule)


def reject(field: str, detail: str, *, rule: str = "invalid-field") -> InputRejected:
    """An InputRejected for one field."""
    return InputRejected([Fault(field, detail)], rule=rule)


def shown_name(name: str) -> str:
    """The field name of a request if it is safe to echo, else a placeholder."""
    return name if _NAME.fullmatch(name) else "(invalid name)"


def unknown(names: Sequence[str], known: Sequence[str]) -> list[Fault]:
    """One fault per unknown field name, at most ten."""
    hint = ", ".join(known)
    faults = [Fault(shown_name(name), "unknown field") for name in names[:MAX_FAULTS]]
    if faults:
        faults[0] = Fault(faults[0].field, f"unknown field. Known fields: {hint}")
    return faults
