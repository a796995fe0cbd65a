"""Web archives and single pages by the command line, on a running stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.running_stack import RunningStack
from tests.unit.cli.test_archives import HTML, archive

pytestmark = [pytest.mark.slow, pytest.mark.redis, pytest.mark.timeout(180)]


def test_a_web_archive_goes_in_page_by_page(stack: RunningStack, tmp_path: Path) -> None:
    page = (
        "<html><body><article><h1>{0}</h1><p>{0} is what the keepers said, and nobody doubts it.</p></article></body>"
    )
    records = [
        (f"https://e.example/{number}", "200 OK", HTML, page.format(f"Lamp number {number} is lit").encode())
        for number in range(3)
    ]
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(archive(*records, ("https://e.example/gone", "404 Not Found", HTML, b"gone")))
    first = stack.cli("ingest", str(path), "--source", "lamps")
    assert first.returncode == 0, first.stderr
    assert "3 accepted, 1 skipped (status)" in first.stdout
    assert "3 unchanged" in stack.cli("ingest", str(path), "--source", "lamps").stdout
    path.write_bytes(b"no archive")
    assert "broken at byte" in stack.cli("ingest", str(path)).stderr


def test_a_page_inside_is_not_fetched(stack: RunningStack) -> None:
    refused = stack.cli("fetch", "http://127.0.0.1:1/")
    assert refused.returncode == 1
    assert "not public" in refused.stderr or "port" in refused.stderr
