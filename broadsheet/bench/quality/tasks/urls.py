"""URLs: parsing by the WHATWG standard, and equal keys for URLs of one page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

from broadsheet.bench.quality.material import json_lines
from broadsheet.bench.quality.task import Score, Stopwatch, Task, TaskOutcome
from shared.urls import page_key, parse_url

_URLS: Final = "peers/urls.jsonl.zst"
_POOL: Final = "URL suites"
_REACH, _AIM = 0.95, 0.99
_PAIRS: Final = frozenset({"urlcanon/semantic_precise", "urlcanon/aggressive"})

Pair = tuple[str, str]


def _measure(data: Path) -> TaskOutcome:
    rows = list(json_lines(data / _URLS))
    watch = Stopwatch()
    standard = [row for row in rows if row["suite"] == "wpt-url"]
    pairs = [pair for row in rows for pair in _pairs(row)]
    hosts = [row for row in rows if row["suite"] == "urlcanon/funky_ipv4"]
    again = [row["input"] for row in rows if row["suite"] == "urlcanon/idempotence"]
    with watch.running():
        read = [_href(row["input"], row["base"]) for row in standard]
        keys = [(_key(one), _key(other)) for one, other in pairs]
        addresses = [_host(row["input"]) for row in hosts]
        twice = [(key, _key(key)) for text in again if (key := _key(text)) is not None]
    missed = [f"{one!a} != {other!a}" for (one, other), (a, b) in zip(pairs, keys, strict=True) if a != b]
    refused = sum(1 for one, other in keys if one is other is None)
    scores = (
        _score(
            "WPT parsing", [_wanted(row) == got for row, got in zip(standard, read, strict=True)], _urllib(standard)
        ),
        _score("urlcanon pairs", [one == other for one, other in keys], note=f"{refused} pairs refused alike"),
        _score("urlcanon hosts", [_same_host(row, got) for row, got in zip(hosts, addresses, strict=True)]),
        _score("urlcanon twice", [one == other for one, other in twice]),
    )
    items = len(standard) + len(pairs) * 2 + len(hosts) + len(twice)
    return TaskOutcome(tuple(score for score in scores if score.n), items, watch.ms_per(items), tuple(missed[:30]))


def _pairs(row: dict[str, Any]) -> Iterator[Pair]:
    """The pairs of one page in a row. Of the SURT suites those that stay URLs; SURT's own notation is not ours."""
    if row["suite"] in _PAIRS:
        yield _as_text(row["input"]), _as_text(row["expected"])
    elif row["suite"] == "urlcanon/surt":
        for one, other in row["expected"].items():
            if other.startswith(("http://", "https://")) and "://(" not in other:
                yield _as_text(one), _as_text(other)


def _as_text(text: str) -> str:
    """urlcanon's inputs are bytes, packed as one character each."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _href(text: str, base: str | None) -> str | None:
    try:
        return parse_url(text, base).href
    except ValueError:
        return None


def _wanted(row: dict[str, Any]) -> str | None:
    return None if row.get("failure") else str(row["href"])


def _urllib(rows: list[dict[str, Any]]) -> float:
    """The standard library's reading, as the baseline."""
    return sum(_joined(row) == _wanted(row) for row in rows) / max(1, len(rows))


def _joined(row: dict[str, Any]) -> str | None:
    try:
        return str(urljoin(row["base"] or "", row["input"]))
    except ValueError:
        return None


def _key(text: str) -> str | None:
    try:
        return page_key(text)
    except ValueError:
        return None


def _host(text: str) -> str | None:
    try:
        return parse_url(f"http://{text}/").host
    except ValueError:
        return None


def _same_host(row: dict[str, Any], got: str | None) -> bool:
    """The expected address; if there is none, a refusal or a name that stays a name."""
    return got == row["expected"] if row["expected"] is not None else got in {None, row["input"]}


def _score(name: str, right: list[bool], baseline: float | None = None, note: str = "") -> Score:
    return Score(
        name,
        sum(right) / max(1, len(right)),
        len(right),
        baseline=baseline,
        measured=baseline is not None,
        reach=_REACH,
        aim=_AIM,
        pool=_POOL,
        note=note,
    )


TASKS: Final = (Task("urls", "URLs read by the standard, pairs of one page on one key", (_URLS,), _measure),)
