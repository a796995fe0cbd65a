"""keys create, list, revoke."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from broadsheet.cli.options import DryRun, Json, show_json, show_table
from broadsheet.cli.target import database
from broadsheet.failure import CliFailure

app = typer.Typer(help="API keys: who may post, subscribe, administer.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who will use it.")],
    scope: Annotated[list[str], typer.Option(help="ingest, edit, subscribe or admin; may be repeated.")],
    days: Annotated[float, typer.Option(min=0, help="Expires after so many days; 0 is never.")] = 0,
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Create an API key and print it. Only its hash is stored, so it cannot be shown again."""
    from shared.store import Credentials
    from shared.store.credentials import SCOPES

    scopes = frozenset(part.strip() for item in scope for part in item.split(",") if part.strip())
    if not scopes or scopes - SCOPES:
        raise CliFailure(f"--scope must be some of {', '.join(sorted(SCOPES))}", code=2)
    if dry_run:
        print(f"would make a key {name!r} with {', '.join(sorted(scopes))}")
        return

    async def work() -> tuple[str, str]:
        async with database() as client:
            key, credential = await Credentials(client).create(name, scopes, days=days or None)
            return key, credential.key_id

    key, key_id = asyncio.run(work())
    if json:
        show_json({"id": key_id, "name": name, "scopes": sorted(scopes), "key": key})
    else:
        print(f"{key}\n(id {key_id}; keep it now, it is not shown again)")


@app.command("list")
def list_(json: Json = False) -> None:
    """List all keys, oldest first, without their secrets."""
    from shared.store import Credentials

    async def work() -> list[dict[str, Any]]:
        async with database() as client:
            return [
                {"id": item.key_id, "name": item.name, "scopes": sorted(item.scopes),
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
        ("id", "name", "scopes", "created", "expires", "revoked"),
        [
            (
                row["id"],
                row["name"],
                ",".join(row["scopes"]),
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
    key_id: Annotated[str, typer.Argument(help="The id, as `keys list` shows it.")],
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
