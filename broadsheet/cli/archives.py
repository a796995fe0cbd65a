"""Import of web archives: streams every HTML page of a WARC file, one page in memory at a time."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from warcio.archiveiterator import ArchiveIterator  # type: ignore[import-untyped]  # has no stubs
from warcio.exceptions import ArchiveLoadFailed  # type: ignore[import-untyped]

from broadsheet.cli.api import problem_line
from broadsheet.cli.options import printable, show_json
from broadsheet.failure import CliFailure
from shared.backoff import Backoff
from shared.charset.labels import charset_parameter, encoding_of

if TYPE_CHECKING:
    import httpx

    from broadsheet.cli.api import Api

PAGE_BYTES: Final = 5 * 1024 * 1024
"""Larger pages are skipped, because ingest would reject them."""
_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
_AGAIN: Final = frozenset({429, 502, 503, 504})
_TRIES: Final = 8
_CHUNK: Final = 65_536
_SHOWN_REFUSALS: Final = 20


@dataclass(frozen=True, slots=True)
class ArchivedPage:
    """One stored page. `skipped`: the reason why it has no bytes and is not sent, if any."""

    url: str
    media_type: str = "text/html"
    data: bytes = b""
    skipped: str = ""


def send_archive(api: Api, path: Path, fields: dict[str, str], *, json: bool) -> int:
    """Send every HTML page with status 200; shows progress and counts, and returns the number of rejected pages.

    `fields` may contain `source`. Sending a file again is idempotent: known pages are `unchanged`.
    """
    if set(fields) - {"source"}:
        raise CliFailure("--id and --url do not go with a WARC file: every page has its own URL", code=2)
    counts: Counter[str] = Counter()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    quiet = json or not sys.stderr.isatty()
    began = time.monotonic()
    with path.open("rb") as raw, Progress(*columns, console=Console(stderr=True), disable=quiet) as shown:
        task = shown.add_task("sending", total=path.stat().st_size)
        for page in pages_of(raw, path):
            status = page.skipped or _send(api, page, fields, counts["refused"], json=json)
            counts[status] += 1
            shown.update(task, completed=raw.tell(), description=f"{counts.total()} pages")
    if not json:
        took = time.monotonic() - began
        words = ", ".join(f"{count} {name}" for name, count in counts.items()) or "no pages"
        print(f"{path}: {words} in {took:.1f} s")
    return counts["refused"]


def pages_of(raw: IO[bytes], path: Path) -> Iterator[ArchivedPage]:
    """Iterate over the responses of a WARC file, one page in memory. Raises CliFailure if it is damaged."""
    records = 0
    try:
        for record in ArchiveIterator(raw):
            records += record.format == "warc"
            if record.rec_type == "response" and record.http_headers is not None:
                yield _page(record)
            _skip_rest(record)
    except (ArchiveLoadFailed, EOFError, ValueError, OSError) as error:
        raise CliFailure(f"{path}: broken at byte {raw.tell()}: {printable(str(error))[:200]}") from error
    if not records:
        raise CliFailure(f"{path}: broken at byte {raw.tell()}: contains no WARC record")


def _skip_rest(record: Any) -> None:
    """Read to the end of a record. Raises EOFError if the file ends early, which warcio does not report."""
    while record.raw_stream.read(_CHUNK):
        pass
    if record.raw_stream.limit > 0:
        raise EOFError("the file ends inside a record")


def _page(record: Any) -> ArchivedPage:
    url = record.rec_headers.get_header("WARC-Target-URI") or ""
    content_type = record.http_headers.get_header("Content-Type") or ""
    if record.http_headers.get_statuscode() != "200":
        return ArchivedPage(url, skipped="skipped (status)")
    if content_type.partition(";")[0].strip().lower() not in _HTML:
        return ArchivedPage(url, skipped="skipped (type)")
    data = record.content_stream().read(PAGE_BYTES + 1)
    if len(data) > PAGE_BYTES:
        return ArchivedPage(url, skipped="skipped (size)")
    encoding = encoding_of(charset_parameter(content_type) or "")
    return ArchivedPage(url, f"text/html; charset={encoding}" if encoding else "text/html", data)


def _send(api: Api, page: ArchivedPage, fields: dict[str, str], refused: int, *, json: bool) -> str:
    answer = _posted(api, page, fields)
    if json:
        show_json({"url": page.url, "status_code": answer.status_code, **answer.json()})
    if answer.status_code < 400:
        return str(answer.json()["status"])
    if not json and refused < _SHOWN_REFUSALS:
        print(f"{printable(page.url)[:200]}: {printable(problem_line(answer))}", file=sys.stderr)
    return "refused"


def _posted(api: Api, page: ArchivedPage, fields: dict[str, str]) -> httpx.Response:
    """POST with retries while ingest is unreachable, overloaded or has no store. Raises CliFailure at the end."""
    reason = "ingest did not answer"
    backoff = Backoff(first=0.5)
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(backoff.failed())
        try:
            answer = api.post("/v1/articles", page.data, page.media_type, {**fields, "url": page.url})
        except CliFailure as error:
            reason = str(error)
            continue
        if answer.status_code not in _AGAIN:
            return answer
        reason = problem_line(answer)
    raise CliFailure(f"gave up after {_TRIES} tries: {reason}")
