"""SECURITY.md: every promise names tests that exist."""

from __future__ import annotations

import re

from tests.architecture.source import ROOT

PROMISE = re.compile(r"^\| ([^|]+) \| ((?:`tests/[a-z_/]+\.py`(?:, )?)+) \|$", re.MULTILINE)


def test_every_promise_is_checked_by_tests_that_exist() -> None:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    rows = text.partition("## Promises")[2].partition("## Limits")[0].strip().splitlines()[2:]
    promises = PROMISE.findall(text)
    assert len(promises) == len(rows) >= 10
    missing = [path for _, paths in promises for path in re.findall(r"`([^`]+)`", paths) if not (ROOT / path).is_file()]
    assert missing == []
