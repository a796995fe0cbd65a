"""init, backup, restore, digest."""

from __future__ import annotations

import asyncio
import hashlib
import json as jsonlib
import secrets
import shutil
import sys
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

import typer

from broadsheet.cli.options import DryRun, Json, show_json, show_table
from broadsheet.cli.target import StackTarget, database
from broadsheet.failure import CliFailure

if TYPE_CHECKING:
    from broadsheet.backup import Backup
    from shared.search.digest import IndexDigest
    from shared.store import Redis

_ENV: Final = """\
# Made by `broadsheet init`; docker compose reads it. Every password and key of the stack follows from this one secret:
# anyone who has it can decrypt everything. Keep a copy where you keep the backups. A change of it acts at the next
# `docker compose up -d --force-recreate`.
BROADSHEET_SECRET={secret}
"""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(init)
    app.command()(backup)
    app.command()(restore)
    app.command()(digest)


def init(
    folder: Annotated[Path, typer.Argument(help="Where docker-compose.yml is.")] = Path(),
    dry_run: DryRun = False,
) -> None:
    """Write .env with the secret from which all keys of the compose stack are derived. Never overwrites a file."""
    from broadsheet.runstate import write_private

    path = folder / ".env"
    if not (folder / "docker-compose.yml").is_file():
        raise CliFailure(f"no docker-compose.yml in {folder.absolute()}", code=2)
    if path.exists():
        raise CliFailure(f"{path} already exists and was not changed", code=2)
    if dry_run:
        print(f"would write {path}")
        return
    write_private(path, _ENV.format(secret=secrets.token_hex(32)))
    print(f"{path} is written, readable by you only. Next: docker compose up -d --wait")


def backup(
    file: Annotated[str, typer.Argument(help="Tar file to write; `-`: standard output.")],
    source: Annotated[
        Path | None, typer.Option("--from", help="Data directory of Redis. Default: that of `up`.")
    ] = None,
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Back up Redis's append-only files to a tar, online. The search index is derived and not included."""
    target = StackTarget()
    folder = source or _own_data(target)
    if dry_run:
        print(f"would back up {folder} to {file}")
        return
    if file == "-":
        _say(asyncio.run(_backup(target, folder, sys.stdout.buffer)), "backed up", json=json, to_stderr=True)
        return
    path = Path(file)
    if path.exists():
        raise CliFailure(f"{path} already exists and was not changed", code=2)
    fresh = path.with_name(f".{path.name}.new")
    try:
        with fresh.open("wb") as out:
            made = asyncio.run(_backup(target, folder, out))
        fresh.rename(path)
    except OSError as error:
        raise CliFailure(f"cannot write {path}: {error.strerror or error}", code=2) from error
    finally:
        fresh.unlink(missing_ok=True)
    _say(made, "backed up", json=json)


async def _backup(target: StackTarget, folder: Path, out: BinaryIO) -> Backup:
    from broadsheet import backup as saving
    from shared.store import check_server

    async with AsyncExitStack() as stack:
        engine = folder.name.removeprefix("redis-")
        if target.settings.redis_url is not None or target.state is not None:
            client = await stack.enter_async_context(database(target))
            name, version = (await check_server(client)).split()
            engine = f"{name.lower()}{version.split('.')[0]}"
            await stack.enter_async_context(saving.no_rewrite(client))
        return await asyncio.to_thread(saving.write, folder, out, engine=engine)


def restore(
    file: Annotated[Path, typer.Argument(help="Tar file written by `backup`.", exists=True, dir_okay=False)],
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Restore a backup into an empty data directory. The next `up` rebuilds the index."""
    from broadsheet import backup as saving
    from broadsheet.supervisor import engine

    target = StackTarget()
    if dry_run:
        print(f"would restore {file} into {target.layout.root}")
        return
    target.layout.make()
    with target.layout.locked(), file.open("rb") as archive:
        server = engine.find_engine()
        made = saving.restore(archive, engine.claim_directory(target.layout, server), engine=server.stamp)
        shutil.rmtree(target.layout.root / "index", ignore_errors=True)  # rebuilt at the next start
    _say(made, "restored", json=json)


def digest(json: Json = False) -> None:
    """Checksums of the store and of the index. Equal checksums before and after an operation prove nothing changed."""
    store, index = asyncio.run(_digests(StackTarget()))
    rows = [("store", store.documents, store.hex), ("index", index.documents, index.hex)]
    if json:
        show_json({name: {"articles": count, "digest": number} for name, count, number in rows})
    else:
        show_table(("of", "articles", "digest"), rows)


async def _digests(target: StackTarget) -> tuple[IndexDigest, IndexDigest]:
    from shared.search import open_index
    from shared.search.digest import index_digest
    from shared.settings import BaseServiceSettings

    key = target.settings.index_key
    settings = BaseServiceSettings.model_validate(
        {"BROADSHEET_INDEX_URL": target.index_url, "BROADSHEET_INDEX_KEY": key.get_secret_value() if key else ""}
    )
    async with database(target) as client:
        store = await _store_digest(client)
    index = open_index(settings, writer=False)
    try:
        return store, await index_digest(index)
    finally:
        await index.aclose()


async def _store_digest(client: Redis) -> IndexDigest:
    """SHA-256 over (id, published revision, article hash) of all published articles, ordered by id."""
    from shared.articles import ArticleState
    from shared.search.digest import IndexDigest
    from shared.store import open_store

    store, lines = open_store(client), set()
    async for articles in store.scan():
        for article, record in zip(articles, await store.records([item.id for item in articles]), strict=True):
            if record is not None and record.state is ArticleState.PUBLISHED:
                content = hashlib.sha256(article.model_dump_json().encode()).hexdigest()
                lines.add(f"{article.id} {record.published_rev} {content}\n")
    return IndexDigest(hashlib.blake2b("".join(sorted(lines)).encode(), digest_size=16).hexdigest(), len(lines))


def _own_data(target: StackTarget) -> Path:
    found = sorted(path.parent for path in target.layout.root.glob("redis-*/ENGINE"))
    if len(found) != 1:
        raise CliFailure(f"{len(found)} data directories in {target.layout.root}; name one with --from", code=2)
    return found[0]


def _say(made: Backup, word: str, *, json: bool, to_stderr: bool = False) -> None:
    line = f"{word}: {made.files} files, {made.bytes} bytes, made {made.made_at} of {made.engine}"
    print(jsonlib.dumps(asdict(made)) if json else line, file=sys.stderr if to_stderr else sys.stdout)
