"""keys create, allow, list, revoke."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any

import typer

from broadsheet.cli.options import DryRun, Json, printable, show_json, show_table
from broadsheet.cli.target import database
from broadsheet.failure import CliFailure

_Source = Annotated[
    list[str] | None,
    typer.Option(
        "--source", help="Source that the key may write, or a prefix with *, such as 'reuters*'; may be repeated."
    ),
]
_AllSources = Annotated[
    bool, typer.Option("--all-sources", help="The key may write every source, and articles without source.")
]

app = typer.Typer(help="Manage API keys, their scopes and sources.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the key, such as its user.")],
    scope: Annotated[list[str], typer.Option(help="ingest, edit, subscribe or admin; may be repeated.")],
    source: _Source = None,
    all_sources: _AllSources = False,
    days: Annotated[float, typer.Option(min=0, help="Days until the key expires; 0: never.")] = 0,
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Create an API key and print it. Only its hash is stored, so it cannot be shown again.

    A key may write only the given sources, by default none.
    """
    from shared.store import Credentials
    from shared.store.credentials import SCOPES, WRITING_SCOPES

    scopes = frozenset(part.strip() for item in scope for part in item.split(",") if part.strip())
    if not scopes or scopes - SCOPES:
        raise CliFailure(f"--scope must be some of {', '.join(sorted(SCOPES))}", code=2)
    sources = _patterns(source, all_sources=all_sources)
    if dry_run:
        print(f"would make a key {name!r} with {', '.join(sorted(scopes))}, writing {_shown(sources)}")
        return

    async def work() -> tuple[str, str]:
        async with database() as client:
            key, credential = await Credentials(client).create(name, scopes, days=days or None, sources=sources)
            return key, credential.key_id

    key, key_id = asyncio.run(work())
    if json:
        show_json({"id": key_id, "name": name, "scopes": sorted(scopes), "sources": sources, "key": key})
        return
    print(f"{key}\n(id {key_id}; save it now, it is not shown again)")
    if not sources and scopes & WRITING_SCOPES:
        print(f"it writes no source yet: `broadsheet keys allow {key_id} --source NAME`", file=sys.stderr)


@app.command()
def allow(
    key_id: Annotated[str, typer.Argument(help="The key's id.", metavar="ID")],
    source: _Source = None,
    all_sources: _AllSources = False,
    dry_run: DryRun = False,
) -> None:
    """Replace the sources that a key may write. Takes effect within five seconds."""
    sources = _patterns(source, all_sources=all_sources)
    if not sources:
        raise CliFailure("name the sources with --source, or give --all-sources; `keys revoke` ends a key", code=2)
    if dry_run:
        print(f"would let {key_id} write {_shown(sources)}")
        return
    from shared.store import Credentials

    async def work() -> bool:
        async with database() as client:
            return await Credentials(client).allow(key_id, sources)

    if not asyncio.run(work()):
        raise CliFailure(f"there is no key with the id {key_id}")
    print(f"{key_id} writes {_shown(sources)}")


@app.command("list")
def list_(json: Json = False) -> None:
    """List all keys, oldest first, without their secrets."""
    from shared.store import Credentials

    async def work() -> list[dict[str, Any]]:
        async with database() as client:
            return [
                {"id": item.key_id, "name": item.name, "scopes": sorted(item.scopes),
                 "sources": sorted(item.sources), "predates_sources": item.predates_sources,
                 "created_at": item.created_at.isoformat(),
                 "expires_at": item.expires_at.isoformat() if item.expires_at else None,
                 "revoked_at": item.revoked_at.isoformat() if item.revoked_at else None}
                for item in await Credentials(client).all()
            ]  # fmt: skip

    rows = asyncio.run(work())
    if json:
        show_json(rows)
        return
    show_table(
        ("id", "name", "scopes", "sources", "created", "expires", "revoked"),
        [
            (
                row["id"],
                row["name"],
                ",".join(row["scopes"]),
                _shown(row["sources"]) + (" (undecided)" if row["predates_sources"] else ""),
                row["created_at"],
                row["expires_at"] or "-",
                row["revoked_at"] or "-",
            )
            for row in rows
        ],
        empty="no keys",
    )


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="Id of the key, from `keys list`.")],
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Revoke a key. Requests with it are refused from now on."""
    from shared.store import Credentials

    async def work() -> bool:
        async with database() as client:
            credentials = Credentials(client)
            if dry_run:
                return any(item.key_id == key_id for item in await credentials.all())
            return await credentials.revoke(key_id)

    if not asyncio.run(work()):
        raise CliFailure(f"no key has the id {key_id}")
    if json:
        show_json({"id": key_id, "revoked": not dry_run})
    else:
        print(f"would revoke {key_id}" if dry_run else f"revoked {key_id}")


def _patterns(source: list[str] | None, *, all_sources: bool) -> list[str]:
    from shared.source_patterns import ALL_SOURCES, source_patterns

    if source and all_sources:
        raise CliFailure("--source and --all-sources exclude each other", code=2)
    try:
        return sorted(source_patterns([ALL_SOURCES] if all_sources else source or ()))
    except ValueError as error:
        raise CliFailure(f"--source: {error}", code=2) from None


def _shown(patterns: list[str]) -> str:
    if "*" in patterns:
        return "all sources"
    return ", ".join(printable(pattern) for pattern in patterns) or "no source"
