"""ingest: send pages, folders, NDJSON dumps and web archives."""

from __future__ import annotations

import asyncio
import json as jsonlib
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from broadsheet.cli.options import DryRun, Json, printable, show_json
from broadsheet.cli.target import StackTarget
from broadsheet.failure import CliFailure

if TYPE_CHECKING:
    from broadsheet.cli.api import Api

MEDIA_TYPES: Final = {
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".htm": "text/html; charset=utf-8",
    ".json": "application/json",
}
BULK: Final = "application/x-ndjson"
ARCHIVE: Final = "application/warc"
ARCHIVE_SUFFIXES: Final = (".warc", ".warc.gz")
BULK_SUFFIXES: Final = (".ndjson", ".jsonl", ".ndjson.zst", ".jsonl.zst", ".ndjson.gz", ".jsonl.gz")
_SHORT: Final = {
    "text": MEDIA_TYPES[".txt"], "html": MEDIA_TYPES[".html"], "json": MEDIA_TYPES[".json"], "ndjson": BULK,
    "warc": ARCHIVE,
}  # fmt: skip
_SAVED: Final = re.compile(rb"<!--\s*saved from url=\(\d{1,5}\)(https?://[!-~]{1,2000}?)\s*-->")
_Inputs = Sequence[tuple[Path | None, str]]
_WAIT_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(ingest)
    app.command()(fetch)
    app.command()(samples)


def ingest(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, or - for standard input.", metavar="FILE|DIR|-")],
    type_: Annotated[
        str, typer.Option("--type", help="text, html, json, ndjson or warc. Default: by file suffix.")
    ] = "",
    source: Annotated[str, typer.Option(help="The publication's name.")] = "",
    id_: Annotated[str, typer.Option("--id", help="The producer's id of the article.")] = "",
    url: Annotated[str, typer.Option(help="URL of the page.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until each article is searchable, then show it.")] = False,
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Post pages: files, folders of saved pages, NDJSON (also .zst, .gz), web archives (.warc, .warc.gz).

    Idempotent: posting the same page again has no effect.
    """
    fields = {name: value for name, value in (("source", source), ("id", id_), ("url", url)) if value}
    inputs = [item for path in paths for item in _expand(path, type_)]
    if len(inputs) > 1 and (id_ or url):
        raise CliFailure("--id and --url name one article, but there are several inputs", code=2)
    if dry_run:
        for path, media_type in inputs:
            size = "standard input" if path is None else f"{path.stat().st_size} bytes"
            show_json({"input": str(path or "-"), "type": media_type, **fields}) if json else print(
                f"would send {path or '-'} as {media_type} ({size})"
            )
        return
    from broadsheet.cli.api import Api

    options = _IngestOptions(fields, wait=wait, json=json)
    with Api(StackTarget()) as api:
        refused = sum(_send_input(api, path, media_type, options) for path, media_type in _shown(inputs, quiet=json))
    if refused:
        raise typer.Exit(1)


def fetch(
    url: Annotated[str, typer.Argument(help="The page's URL.")],
    source: Annotated[str, typer.Option(help="The publication's name.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the article is searchable, then show it.")] = False,
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Fetch one public page by its URL and process it like a posted page."""
    body = {"url": url, **({"source": source} if source else {})}
    if dry_run:
        show_json(body) if json else print(f"would fetch {printable(url)}")
        return
    from broadsheet.cli.api import Api, refuse_errors

    with Api(StackTarget()) as api:
        answer = refuse_errors(api.post("/v1/fetch", jsonlib.dumps(body).encode(), "application/json", {}))
        _show_verdict(api, printable(url), answer.json(), wait=wait, json=json)


@dataclass(frozen=True, slots=True)
class _IngestOptions:
    fields: dict[str, str]
    wait: bool
    json: bool


def _shown(inputs: _Inputs, *, quiet: bool) -> Iterator[tuple[Path | None, str]]:
    """Iterate over the inputs, with a progress bar on a terminal when there are several."""
    if quiet or len(inputs) < 2 or not sys.stderr.isatty():
        yield from inputs
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(inputs, "sending", console=Console(stderr=True))


def _send_input(api: Api, path: Path | None, media_type: str, options: _IngestOptions) -> int:
    """Send one input. Returns the number of rejected articles."""
    if media_type == BULK:
        from broadsheet.cli.bulk import send_bulk

        return send_bulk(api, path, options.fields, json=options.json)
    if media_type == ARCHIVE:
        from broadsheet.cli.archives import send_archive

        if path is None:
            raise CliFailure("web archives cannot be read from standard input; name the file", code=2)
        return send_archive(api, path, options.fields, json=options.json)
    return _send(api, path, media_type, options.fields, wait=options.wait, json=options.json)


def samples(json: Json = False, dry_run: DryRun = False) -> None:
    """Post the bundled sample pages. Idempotent."""
    from broadsheet.supervisor import samples as pages

    if dry_run:
        count = len(pages.samples())
    else:
        target = StackTarget()
        count = asyncio.run(pages.load_samples(target.ingest_url, target.key or ""))
    if json:
        show_json({"pages": count, "sent": not dry_run})
    else:
        print(f"would post {count} sample pages" if dry_run else f"{count} sample pages posted")


def _expand(text: str, type_: str) -> Iterator[tuple[Path | None, str]]:
    forced = _SHORT.get(type_, type_)
    if text == "-":
        yield None, forced or MEDIA_TYPES[".txt"]
        return
    path = Path(text)
    if not path.exists():
        raise CliFailure(f"no such file: {text}", code=2)
    if path.is_dir():
        found = [(item, media_type_of(item)) for item in sorted(path.rglob("*")) if item.is_file()]
        if not (known := [(item, forced or kind) for item, kind in found if kind]):
            raise CliFailure(
                f"no pages in {text}: looked for {', '.join((*MEDIA_TYPES, *BULK_SUFFIXES[:2], *ARCHIVE_SUFFIXES))}",
                code=2,
            )
        yield from known
        return
    kind = forced or media_type_of(path)
    if not kind:
        raise CliFailure(f"{text}: unknown file suffix; set --type to text, html, json, ndjson or warc", code=2)
    yield path, kind


def media_type_of(path: Path) -> str:
    """Content type by file suffix, or an empty string if unknown."""
    if path.name.lower().endswith(BULK_SUFFIXES):
        return BULK
    if path.name.lower().endswith(ARCHIVE_SUFFIXES):
        return ARCHIVE
    return MEDIA_TYPES.get(path.suffix.lower(), "")


def _send(api: Api, path: Path | None, media_type: str, fields: dict[str, str], *, wait: bool, json: bool) -> int:
    from broadsheet.cli.api import problem_line

    data = sys.stdin.buffer.read() if path is None else path.read_bytes()
    params = (_saved_from(data) if media_type == MEDIA_TYPES[".html"] else {}) | fields
    if media_type == "application/json" and fields:
        data, params = _with_fields(data, fields), {}
    answer = api.post("/v1/articles", data, media_type, params)
    if answer.status_code >= 400:
        print(f"{path or '-'}: {printable(problem_line(answer))}", file=sys.stderr)
        return 1
    _show_verdict(api, str(path or "-"), answer.json(), wait=wait, json=json)
    return 0


def _show_verdict(api: Api, name: str, verdict: dict[str, Any], *, wait: bool, json: bool) -> None:
    shown = {"input": name, **verdict}
    if wait:
        shown["article"] = _searchable(api, verdict["id"], verdict["rev"])
    if json:
        show_json(shown)
        return
    print(f"{name}: {verdict['status']}, article {verdict['id']} rev {verdict['rev']}")
    if wait:
        _show_article(api.public_url, shown["article"])


def _saved_from(data: bytes) -> dict[str, str]:
    """The URL that browsers write into saved pages."""
    found = _SAVED.search(data[:4_096])
    return {"url": found[1].decode("ascii")} if found else {}


def _with_fields(data: bytes, fields: dict[str, str]) -> bytes:
    try:
        body = jsonlib.loads(data)
    except ValueError as error:
        raise CliFailure(f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise CliFailure("the JSON must be an object")
    return jsonlib.dumps({**body, **{"external_id" if k == "id" else k: v for k, v in fields.items()}}).encode()


def _searchable(api: Api, article_id: str, rev: int) -> dict[str, Any]:
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        reached = _stages(api.try_read(f"/v1/articles/{article_id}/trace"))
        if reached.get("rejected", 0) >= rev:
            raise CliFailure(f"article {article_id} rev {rev} was rejected; see its trace")
        if reached.get("published", 0) >= rev:
            answer = api.read(f"/v1/articles/{article_id}")
            return dict(answer["response"]["content"])
        if time.monotonic() > deadline:
            raise CliFailure(f"article {article_id} rev {rev} is not searchable after {_WAIT_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)


def _stages(trace: dict[str, Any] | None) -> dict[str, int]:
    """The highest revision that reached each stage."""
    timeline = trace["response"]["timeline"] if trace else []
    return {entry["stage"]: int(entry["rev"]) for entry in sorted(timeline, key=lambda entry: int(entry["rev"]))}


def _show_article(public_url: str, article: dict[str, Any]) -> None:
    lines: Sequence[tuple[str, object]] = (
        ("title", article.get("title")),
        ("tags", ", ".join(tag["slug"] for tag in article.get("tags") or ())),
        ("read", public_url + article["links"]["html"]),
    )
    for name, value in lines:
        if value:
            print(f"  {name:<6}{printable(str(value))}")
