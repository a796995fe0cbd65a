"""article: withdraw, retract, restore and move what was published, and remove a correction note."""

from __future__ import annotations

import json as jsonlib
from typing import Annotated

import typer

from broadsheet.cli.options import DryRun, Json, printable, show_json
from broadsheet.cli.target import StackTarget

app = typer.Typer(help="Withdraw, retract, restore and correct articles (scope edit).", no_args_is_help=True)

_Id = Annotated[str, typer.Argument(help="The article's id.", metavar="ID")]
_Reason = Annotated[str, typer.Option("--reason", help="Public reason.")]
_Key = Annotated[
    str, typer.Option("--key", help="Idempotency-Key: a repeated request with the same key has no effect.")
]


@app.command()
def withdraw(article_id: _Id, reason: _Reason, key: _Key = "", json: Json = False, dry_run: DryRun = False) -> None:
    """Remove an article from lists and search. A notice remains, and `restore` publishes it again."""
    _act("withdraw", article_id, reason, key, json=json, dry_run=dry_run)


@app.command()
def retract(article_id: _Id, reason: _Reason, key: _Key = "", json: Json = False, dry_run: DryRun = False) -> None:
    """Erase an article permanently. Its URL then returns 410 with the reason."""
    _act("retract", article_id, reason, key, json=json, dry_run=dry_run)


@app.command()
def restore(article_id: _Id, reason: _Reason, key: _Key = "", json: Json = False, dry_run: DryRun = False) -> None:
    """Publish a withdrawn article again. (`broadsheet restore` is for backups.)"""
    _act("restore", article_id, reason, key, json=json, dry_run=dry_run)


@app.command()
def original(article_id: _Id, reason: _Reason, key: _Key = "", json: Json = False, dry_run: DryRun = False) -> None:
    """Declare an article the original: articles with its text become its copies, whichever came first."""
    _act("original", article_id, reason, key, json=json, dry_run=dry_run)


@app.command("not-a-copy")
def not_a_copy(article_id: _Id, reason: _Reason, key: _Key = "", json: Json = False, dry_run: DryRun = False) -> None:
    """Declare that an article is no copy: it is listed beside the articles with its text."""
    _act("not-a-copy", article_id, reason, key, json=json, dry_run=dry_run)


@app.command()
def move(
    article_id: _Id,
    source: Annotated[str, typer.Option("--source", help="The new source of the article.")],
    reason: Annotated[str, typer.Option("--reason", help="Reason; shown in the trace.")],
    key: _Key = "",
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Move an article to another source (scope admin). Keys of that source write it from then on."""
    _act("move", article_id, reason, key, json=json, dry_run=dry_run, source=source)


@app.command("remove-correction")
def remove_correction(
    article_id: _Id,
    rev: Annotated[int, typer.Argument(help="Revision that added the note.", metavar="REV")],
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Remove a correction note from an article and publish it again."""
    from urllib.parse import quote

    from broadsheet.cli.api import Api, refuse_errors

    path = f"/v1/articles/{quote(article_id, safe='')}"
    with Api(StackTarget()) as api:
        if dry_run:
            notes = api.read(path)["response"]["content"]["corrections"]
            texts = [note["text"] for note in notes if note["rev"] == rev]
            would = {"id": article_id, "rev": rev, "note": texts[0] if texts else None}
            show_json(would) if json else print(f"would remove: {printable(texts[0]) if texts else 'no such note'}")
            return
        answer = refuse_errors(api.delete(f"{path}/corrections/{rev}")).json()
    show_json(answer) if json else print(f"{answer['status']} {answer['id']} rev {answer['rev']}")


def _act(verb: str, article_id: str, reason: str, key: str, *, json: bool, dry_run: bool, **fields: str) -> None:
    from urllib.parse import quote

    from broadsheet.cli.api import Api, refuse_errors

    path = f"/v1/articles/{quote(article_id, safe='')}"
    with Api(StackTarget()) as api:
        if dry_run:
            state = api.read(f"{path}/trace")["response"]["state"]
            would = {"id": article_id, "verb": verb, "reason": reason, "state": state, **fields}
            show_json(would) if json else print(f"would {verb} {printable(article_id)}, which is {state} now")
            return
        headers = {"Idempotency-Key": key} if key else {}
        body = jsonlib.dumps({"reason": reason, **fields}).encode()
        answer = refuse_errors(api.post(f"{path}/{verb}", body, "application/json", {}, headers=headers)).json()
    show_json(answer) if json else print(f"{answer['status']} {answer['id']} rev {answer['rev']}")
