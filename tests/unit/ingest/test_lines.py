"""Cutting lines: any chunking gives the same lines, and a line without end needs no memory."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.lines import BulkLine, LineSplitter


def cut(chunks: list[bytes], limit: int = 100) -> tuple[list[BulkLine], LineSplitter]:
    cutter = LineSplitter(limit)
    lines = [line for chunk in chunks for line in cutter.feed(chunk)]
    last = cutter.finish()
    return [*lines, last] if last else lines, cutter


def test_numbers_count_blank_lines_too() -> None:
    lines, cutter = cut([b"a\n\n \t\r\nb\r\n", b"c"])
    assert [(line.number, line.data) for line in lines] == [(1, b"a"), (4, b"b\r"), (5, b"c")]
    assert (cutter.lines, cutter.blank) == (5, 2)


def test_a_line_too_long_is_dropped_and_its_neighbours_stay() -> None:
    lines, _ = cut([b"a\n", b"x" * 60, b"x" * 60, b"x\nb\n"])
    assert [(line.number, line.data) for line in lines] == [(1, b"a"), (2, None), (3, b"b")]


def test_the_limit_is_exact() -> None:
    lines, _ = cut([b"x" * 100 + b"\n" + b"x" * 101])
    assert [line.data is None for line in lines] == [False, True]


def test_an_endless_line_is_not_held() -> None:
    cutter = LineSplitter(1000)
    chunk = b"x" * 65_536
    tracemalloc.start()
    for _ in range(1000):
        assert not list(cutter.feed(chunk))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
    assert cutter.finish() == BulkLine(1, None)


@given(st.lists(st.sampled_from([b"a", b"bb", b"\n", b"\r\n", b" ", b"x" * 120]), max_size=30), st.integers(1, 7))
def test_chunking_does_not_matter(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)
    whole, _ = cut([data] if data else [])
    parts, _ = cut([data[at : at + size] for at in range(0, len(data), size)])
    assert parts == whole
