"""Validation of submission fields: one table of readers, all faults reported together."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.ingest.domain.dates import parse_instant
from services.ingest.domain.rejections import MAX_FAULTS, Fault, InputRejected, unknown
from services.ingest.domain.urls import accept_url
from shared.articles import Submission
from shared.identity.languages import canonical_language

MAX_INTEGER: Final = 2**53
MAX_TAGS: Final = 200
MAX_MARKS: Final = 32
"""Limit of consecutive combining marks: no script needs as many, and thousands on one letter freeze renderers."""

# Control characters except tab, line feed, carriage return, form feed and next line; bidi overrides; byte-order marks.
_NOISE: Final = re.compile("[\x01-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_INTEGER: Final = re.compile(r"[0-9]{1,16}")
_MARKS: Final = re.compile(
    f"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{{{MAX_MARKS},}}"
)

Reader = Callable[[Any, datetime], Any]


def clean_text(text: str) -> str:
    """The text without control characters and bidi overrides. Raises ValueError for U+0000 and lone surrogates."""
    if "\x00" in text:
        raise ValueError("holds U+0000")
    return _NOISE.sub("", _well_formed(text))


def is_visible(text: str) -> bool:
    """Whether the text has a letter, digit, punctuation or symbol, not only spaces and zero-width characters."""
    return any(unicodedata.category(character)[0] in "LNPS" for character in text)


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of text of at most `limit` characters. `exact` rejects control characters instead of removing them."""

    limit: int
    exact: bool = False

    def __call__(self, value: Any, _: datetime) -> str:
        text = _well_formed(_string(value))
        if len(text) > self.limit:
            raise ValueError(f"is longer than {self.limit} characters")
        if self.exact and _CONTROL.search(text):
            raise ValueError("holds control characters")
        line = text.strip() if self.exact else " ".join(unicodedata.normalize("NFC", clean_text(text)).split())
        if not is_visible(line):
            raise ValueError("is empty or invisible")
        if _MARKS.search(line):
            raise ValueError(f"holds more than {MAX_MARKS} combining marks in a row")
        return line


@dataclass(frozen=True, slots=True)
class _List:
    """At most `limit` lines."""

    limit: int
    item: _Line

    def __call__(self, value: Any, now: datetime) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise ValueError("must be a list of strings")  # noqa: TRY004 - one kind of error for all faults
        if len(value) > self.limit:
            raise ValueError(f"holds more than {self.limit} items")
        return tuple(self.item(item, now) for item in value)


def _external_id(value: Any, now: datetime) -> str:
    line = _Line(512, exact=True)(value, now)
    if len(line.encode()) > 512:
        raise ValueError("is longer than 512 bytes")
    return line


def _version(value: Any, _: datetime) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INTEGER:
        raise ValueError("must be a whole number between 0 and 2^53")
    return value


def _language(value: Any, _: datetime) -> str:
    text = _string(value)
    tag = canonical_language(text)
    if tag is None or "_" in text:
        raise ValueError("must be a BCP 47 tag such as en or pt-BR")
    return tag


def _url(value: Any, _: datetime) -> str:
    return accept_url(_well_formed(_string(value)))


def _published_at(value: Any, now: datetime) -> datetime:
    return parse_instant(_string(value), now=now)


READERS: Final[Mapping[str, Reader]] = {
    "source": _Line(120, exact=True),
    "id": _external_id,
    "external_id": _external_id,
    "version": _version,
    "url": _url,
    "title": _Line(1_000),
    "dek": _Line(2_000),
    "section": _Line(120),
    "language": _language,
    "authors": _List(100, _Line(200)),
    "tags": _List(MAX_TAGS, _Line(120)),
    "published_at": _published_at,
    "correction": _Line(2_000),
}
"""Reader of each submission field. `id` is an alias of `external_id`."""

LISTS: Final = frozenset({"authors", "tags"})


def read_submission(given: Mapping[str, Any], *, also: tuple[str, ...] = (), now: datetime) -> Submission:
    """The submission in these fields; a null counts as absent. Raises InputRejected with up to ten faults.

    Names in `also` are ignored here.
    """
    faults = unknown([name for name in given if name not in READERS and name not in also], [*READERS, *also])
    values: dict[str, Any] = {}
    for name, reader in READERS.items():
        if given.get(name) is None:
            continue
        try:
            values[name] = reader(given[name], now)
        except ValueError as error:
            faults.append(Fault(name, str(error)))
    faults += _cross_field_faults(given)
    if faults:
        raise InputRejected(faults[:MAX_FAULTS])
    external_id = values.pop("id", None)
    return Submission(**({"external_id": external_id} if external_id is not None else {}), **values)


def _cross_field_faults(given: Mapping[str, Any]) -> list[Fault]:
    """Faults that involve two fields."""
    if given.get("id") is not None and given.get("external_id") is not None:
        return [Fault("id", "is an alias of external_id; send only one of them")]
    named = given.get("id") is not None or given.get("external_id") is not None
    if named and given.get("source") is None:
        return [Fault("source", "is required with an id, because ids are scoped to a source")]
    return []


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")  # noqa: TRY004 - one kind of error for all faults
    return value


def _well_formed(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds a lone surrogate") from None
    return text
