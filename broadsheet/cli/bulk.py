"""Bulk upload of an NDJSON file of any size, in requests of bounded size, with one result per line."""

from __future__ import annotations

import gzip
import io
import json as jsonlib
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import httpx
import zstandard
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from broadsheet.cli.api import problem_line, refuse_errors
from broadsheet.cli.options import printable, show_json
from broadsheet.failure import CliFailure
from shared.backoff import Backoff

if TYPE_CHECKING:
    from broadsheet.cli.api import Api

BATCH_LINES: Final = 500
BATCH_BYTES: Final = 4 * 1024 * 1024
LINE_BYTES: Final = 16 * 1024 * 1024
"""Longer lines are rejected here, before they are loaded into memory."""
_TRIES: Final = 8
_AGAIN: Final = frozenset({429, 502, 503, 504})
_SHOWN_REFUSALS: Final = 20
_GOOD: Final = frozenset({"accepted", "unchanged", "replayed"})


def send_bulk(api: Api, path: Path | None, fields: dict[str, str], *, json: bool) -> int:
    """Send the file; shows progress and counts of results, and returns the number of rejected lines.

    `fields` may contain `source` for lines without one. Raises CliFailure if ingest stays unavailable.
    """
    if set(fields) - {"source"}:
        raise CliFailure("--id and --url do not go with NDJSON: every line names its own", code=2)
    counts: Counter[str] = Counter()
    size = path.stat().st_size if path is not None else None
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    quiet = json or not sys.stderr.isatty()
    refused = sent = 0
    began = time.monotonic()
    with _opened(path) as (raw, lines), Progress(*columns, console=Console(stderr=True), disable=quiet) as shown:
        task = shown.add_task("sending", total=size)
        for first, batch in _batches(lines, fields.get("source")):
            for verdict in _post(api, batch):
                status = str(verdict.get("status"))
                counts[status] += 1
                if status not in _GOOD:
                    refused += 1
                    _show_refusal(verdict, first, refused)
                if json:
                    show_json({**verdict, "line": _line(verdict, first)})
            sent += len(batch)
            shown.update(task, completed=raw.tell() if path is not None else sent, description=f"{sent} lines")
    if not json:
        took = time.monotonic() - began
        print(f"{path or '-'}: {sent} lines in {took:.1f} s: {', '.join(f'{n} {name}' for name, n in counts.items())}")
    return refused


def _line(verdict: dict[str, Any], first: int) -> int:
    return int(verdict["line"]) + first - 1


def _show_refusal(verdict: dict[str, Any], first: int, number: int) -> None:
    if number <= _SHOWN_REFUSALS:
        reason = {key: value for key, value in verdict.items() if key != "line"}
        print(f"line {_line(verdict, first)}: {printable(jsonlib.dumps(reason, ensure_ascii=False))}", file=sys.stderr)
    elif number == _SHOWN_REFUSALS + 1:
        print("more lines were rejected; --json shows all", file=sys.stderr)


@contextmanager
def _opened(path: Path | None) -> Iterator[tuple[IO[bytes], Iterable[bytes]]]:
    raw: IO[bytes] = sys.stdin.buffer if path is None else path.open("rb")
    name = "" if path is None else path.name.lower()
    try:
        if name.endswith(".zst"):
            reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(raw, read_across_frames=True)
            yield raw, io.BufferedReader(reader)
        elif name.endswith(".gz"):
            yield raw, io.BufferedReader(gzip.GzipFile(fileobj=raw))
        else:
            yield raw, raw
    except (zstandard.ZstdError, gzip.BadGzipFile, EOFError) as error:
        raise CliFailure(f"{path}: broken compressed file: {error}") from error
    finally:
        if path is not None:
            raw.close()


def _batches(stream: Any, source: str | None) -> Iterator[tuple[int, list[bytes]]]:
    """Batches of lines with the number of the first line. Blank lines are sent too, so that line numbers match."""
    batch: list[bytes] = []
    size, first, number = 0, 1, 0
    while line := stream.readline(LINE_BYTES + 1):
        number += 1
        if len(line) > LINE_BYTES:
            raise CliFailure(f"line {number} is longer than {LINE_BYTES} bytes")
        line = _with_source(line.rstrip(b"\r\n"), source)
        if batch and (len(batch) >= BATCH_LINES or size + len(line) > BATCH_BYTES):
            yield first, batch
            batch, size, first = [], 0, number
        batch.append(line)
        size += len(line) + 1
    if batch:
        yield first, batch


def _with_source(line: bytes, source: str | None) -> bytes:
    if source is None:
        return line
    try:
        body = jsonlib.loads(line)
    except ValueError:
        return line  # ingest rejects it and names the line
    if not isinstance(body, dict) or body.get("source"):
        return line
    return jsonlib.dumps({**body, "source": source}, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _post(api: Api, batch: list[bytes]) -> list[dict[str, Any]]:
    """The results of one request, retried while ingest is unreachable, overloaded or has no store.

    Sending again is idempotent: known lines are `unchanged`.
    """
    reason = "ingest did not answer"
    backoff = Backoff(first=0.5)
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(backoff.failed())
        try:
            answer = api.post("/v1/articles/bulk", b"\n".join(batch) + b"\n", "application/x-ndjson", {})
        except CliFailure as error:
            reason = str(error)
            continue
        if answer.status_code not in _AGAIN:
            verdicts, summary = _verdicts(answer)
            if summary.get("complete"):
                return verdicts
            reason = str(summary.get("detail") or "the response of ingest was cut off")
        else:
            reason = problem_line(answer)
    raise CliFailure(f"gave up after {_TRIES} tries: {reason}")


def _verdicts(answer: httpx.Response) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One result per non-blank line, and the summary, which is missing if the response was cut off."""
    rows = [jsonlib.loads(line) for line in refuse_errors(answer).content.split(b"\n") if line.strip()]
    summary = rows.pop()["summary"] if rows and "summary" in rows[-1] else {}
    return rows, summary
