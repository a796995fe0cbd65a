"""Web archives: which records are pages, what is skipped and why, and what a broken file says."""

from __future__ import annotations

import gzip
import io
import random
import uuid
from pathlib import Path

import pytest

from broadsheet.cli.archives import PAGE_BYTES, pages_of
from broadsheet.cli.publishing import ARCHIVE, _saved_from, media_type_of
from broadsheet.failure import CliFailure


def archive(*records: tuple[str, str, dict[str, str], bytes]) -> bytes:
    """A gzipped WARC of (URL, status, headers, body), with the records around them that crawlers write."""
    parts = [_record("warcinfo", "", b"software: tests\r\n")]
    for url, status, headers, body in records:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        parts.append(_record("response", url, f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body))
        parts.append(_record("request", url, b"GET / HTTP/1.1\r\nHost: e.example\r\n\r\n"))
    return b"".join(gzip.compress(part) for part in parts)


def _record(kind: str, url: str, block: bytes) -> bytes:
    media = "application/warc-fields" if kind == "warcinfo" else f"application/http; msgtype={kind}"
    head = f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Date: 2026-03-02T08:30:00Z\r\n"
    head += f"WARC-Record-ID: <urn:uuid:{uuid.uuid4()}>\r\n" + (f"WARC-Target-URI: {url}\r\n" if url else "")
    return f"{head}Content-Type: {media}\r\nContent-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"


CHUNKED = b"5\r\n<p>a<\r\n3\r\n/p>\r\n0\r\n\r\n"
HTML = {"Content-Type": "text/html; charset=iso-8859-1"}


def test_pages_are_told_from_the_rest_and_decoded(tmp_path: Path) -> None:
    body = "<p>Grüße</p>".encode("latin-1")
    data = archive(
        ("https://e.example/1", "200 OK", HTML, body),
        ("https://e.example/2", "404 Not Found", HTML, b"gone"),
        ("https://e.example/3", "200 OK", {"Content-Type": "image/png"}, b"\x89PNG"),
        ("https://e.example/4", "200 OK", HTML | {"Content-Encoding": "gzip"}, gzip.compress(b"<p>zipped</p>")),
        ("https://e.example/5", "200 OK", HTML | {"Content-Encoding": "gzip"}, gzip.compress(bytes(PAGE_BYTES * 20))),
        (
            "https://e.example/6",
            "200 OK",
            HTML | {"Transfer-Encoding": "chunked"},
            CHUNKED,
        ),
        ("https://e.example/7", "200 OK", {"Content-Type": "text/html"}, b"<p>plain</p>"),
    )
    pages = list(pages_of(io.BytesIO(data), tmp_path))
    assert [(page.url[-1], page.skipped) for page in pages] == [
        ("1", ""),
        ("2", "skipped (status)"),
        ("3", "skipped (type)"),
        ("4", ""),
        ("5", "skipped (size)"),
        ("6", ""),
        ("7", ""),
    ]
    assert (pages[0].data, pages[0].media_type) == (body, "text/html; charset=windows-1252")
    assert [page.data for page in pages[3::2]] == [b"<p>zipped</p>", b"<p>a</p>"]
    assert pages[6].media_type == "text/html"


CUT = archive(("https://e.example/", "200 OK", HTML, random.Random(1).randbytes(9_000)))


@pytest.mark.parametrize("data", [b"hello, this is no archive\r\n\r\n", CUT[: len(CUT) // 2]])
def test_a_broken_archive_is_one_clear_line(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(CliFailure, match="broken at byte"):
        list(pages_of(io.BytesIO(data), tmp_path))


def test_archives_are_known_by_their_suffix_and_saved_pages_by_their_mark() -> None:
    assert media_type_of(Path("crawl.WARC.gz")) == media_type_of(Path("crawl.warc")) == ARCHIVE
    assert _saved_from(b"<!DOCTYPE html>\n<!-- saved from url=(0027)https://gazette.example/1 -->") == {
        "url": "https://gazette.example/1"
    }
    assert _saved_from(b"<!-- saved from url=(0014)about:internet -->") == {}
