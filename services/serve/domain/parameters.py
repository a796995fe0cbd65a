"""Query parameters as a table: each row parses and validates a value and is documented in OpenAPI.

Strict by default: unknown names, repeated names and invalid values are errors.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

MAX_TEXT: Final = 1_000
_INTEGER: Final = re.compile(r"^-?[0-9]{1,18}$")
_SHARE: Final = re.compile(r"^[01](\.[0-9]{1,6})?$")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters except tab and line ends, and lone surrogates."""
_BOOLEANS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class BadParameter(Exception):
    """An invalid parameter; `name` as the caller wrote it, `reason` says what is accepted."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `read` parses its text or raises ValueError with what is accepted."""

    name: str
    about: str
    read: Callable[[str], Any]
    example: str
    aliases: tuple[str, ...] = ()
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    is_list: bool = False
    """Whether the text is a comma-separated list, so that values of several aliases can be joined."""


def parse(pairs: Iterable[tuple[str, str]], table: Sequence[Parameter], *, lenient: bool = False) -> dict[str, Any]:
    """Values by canonical name, only of the parameters that were given. Raises BadParameter.

    `lenient` is for URLs that people share, to which third parties append parameters (`utm_source`, `fbclid`,
    `from=timeline`): unknown names, and aliases whose value is invalid, are ignored.
    """
    values: dict[str, Any] = {}
    for row, name, text in given(pairs, table, lenient=lenient):
        try:
            values[row.name] = row.read(text)
        except ValueError as error:
            if lenient and name != row.name:
                continue
            raise BadParameter(name, str(error)) from error
    return values


def given(
    pairs: Iterable[tuple[str, str]], table: Sequence[Parameter], *, lenient: bool = False
) -> list[tuple[Parameter, str, str]]:
    """The parameters that were given, each once: its row, the name used, its text. Raises BadParameter.

    Lists that were given under two aliases (`sources` and `domains`) are joined.
    """
    found: dict[str, dict[str, str]] = {}
    rows: dict[str, Parameter] = {}
    for name, text in pairs:
        row = _row(table, name)
        if row is None:
            if lenient:
                continue
            known = ", ".join(row.name for row in table)
            raise BadParameter(name[:80], f"unknown parameter. Known parameters: {known}")
        texts = found.setdefault(row.name, {})
        if name in texts or (texts and not row.is_list):
            if not lenient:
                raise BadParameter(name, "given more than once")
            if name != row.name or name in texts:  # the canonical name wins over an alias, the first over a repeat
                continue
            texts.clear()
        rows[row.name], texts[name] = row, text
    return [(rows[name], next(iter(texts)), ",".join(dict.fromkeys(texts.values()))) for name, texts in found.items()]


def _row(table: Sequence[Parameter], name: str) -> Parameter | None:
    for row in table:  # few names are given: a scan costs less than building a dict
        if name == row.name or name in row.aliases:
            return row
    return None


def openapi(table: Sequence[Parameter]) -> list[dict[str, Any]]:
    """The rows as OpenAPI parameter objects."""
    return [
        {
            "name": row.name,
            "in": "query",
            "required": False,
            "description": row.about + (f" Aliases: {', '.join(row.aliases)}." if row.aliases else ""),
            "schema": dict(row.schema),
            "example": row.example,
        }
        for row in table
    ]


# --- readers --------------------------------------------------------------------------------------------------------


def text(value: str) -> str:
    """Words of a search: no control characters, at most 1,000 characters, normalised to NFC."""
    if len(value) > MAX_TEXT:
        raise ValueError(f"longer than {MAX_TEXT} characters")
    if value.isascii() and value.isprintable():
        return " ".join(value.split())
    value = unicodedata.normalize("NFC", value)
    if _CONTROL.search(value):
        raise ValueError("holds control characters")
    return " ".join(value.split())


def typed_text(value: str) -> str:
    """Words of a forgiving search: any text in NFC, controls as spaces, cut between words to 1,000 characters."""
    value = " ".join(_CONTROL.sub(" ", unicodedata.normalize("NFC", value)).split())
    if len(value) <= MAX_TEXT:
        return value
    end = value.rfind(" ", 0, MAX_TEXT + 1)
    return value[: end if end > 0 else MAX_TEXT]


def integer(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers from `low` to `high`."""

    def read(value: str) -> int:
        if not _INTEGER.match(value) or not low <= int(value) <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(value)

    return read


def share(value: str) -> float:
    """A number from 0 to 1."""
    if not _SHARE.match(value) or float(value) > 1:
        raise ValueError("expected a number from 0 to 1")
    return float(value)


def boolean(value: str) -> bool:
    """`true` or `false`; also 1/0 and yes/no."""
    try:
        return _BOOLEANS[value.lower()]
    except KeyError:
        raise ValueError("expected true or false") from None


def one_of(*names: str, synonyms: Mapping[str, str] | None = None) -> Callable[[str], str]:
    """A reader of one name out of a list; `synonyms` maps other spellings to one of them."""

    def read(value: str) -> str:
        found = (synonyms or {}).get(value, value)
        if found not in names:
            raise ValueError(f"expected one of {', '.join(names)}")
        return found

    return read


def some_of(*names: str) -> Callable[[str], tuple[str, ...]]:
    """A reader of a comma list out of these names, without repeats; `all` means all of them."""

    def read(value: str) -> tuple[str, ...]:
        if value.strip() == "all":
            return names
        found = [part.strip() for part in value[:MAX_TEXT].split(",")]
        if any(part not in names for part in found):
            raise ValueError(f"expected some of {', '.join(names)}, with commas, or all")
        return tuple(dict.fromkeys(found))

    return read


def matching(pattern: re.Pattern[str], what: str, *, at_most: int) -> Callable[[str], tuple[str, ...]]:
    """A reader of a comma list of at most `at_most` values that match."""

    def read(value: str) -> tuple[str, ...]:
        if value.count(",") >= at_most:
            raise ValueError(f"at most {at_most} values")
        found = [part.strip() for part in value.split(",")]
        if any(not pattern.match(part) for part in found):
            raise ValueError(f"expected {what}")
        return tuple(dict.fromkeys(found))

    return read
