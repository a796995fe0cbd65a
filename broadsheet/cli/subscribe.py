"""subscribe create, list, preview, delete: saved searches of the key in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadsheet.cli.options import DryRun, Json, printable, show_json, show_table
from broadsheet.cli.target import StackTarget

if TYPE_CHECKING:
    from broadsheet.cli.api import Api

app = typer.Typer(help="Manage saved searches.", no_args_is_help=True)

_PATH = "/v1/subscriptions"
Id = Annotated[str, typer.Argument(help="Id of the saved search, sub_...")]


@app.command()
def create(
    query: Annotated[str, typer.Argument(help='For example: "sea wall" OR ferry -tender lang:en (docs/queries.md).')],
    event_type: Annotated[
        list[str] | None,
        typer.Option("--type", help="Only events of this type; may be repeated. Default: all."),
    ] = None,
    sink: Annotated[str, typer.Option(help="https URL to deliver events to (a webhook).")] = "",
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Save a search."""
    from broadsheet.cli.api import Api

    body: dict[str, Any] = {"q": query, "types": event_type or [], "sink": sink or None}
    if dry_run:
        from datetime import UTC, datetime

        from broadsheet.failure import CliFailure
        from shared.query import QuerySyntaxError, parse

        try:
            print(f"would save {parse(query, now=datetime.now(UTC))}")
        except QuerySyntaxError as error:
            raise CliFailure(f"q: {error}", code=2) from error
        return
    with Api(StackTarget()) as api:
        said = api.write("POST", _PATH, body)["response"]
    made, webhook = said["subscription"], said["webhook"]
    if json:
        show_json(made | ({"webhook": webhook} if webhook else {}))
        return
    print(f"{made['id']}\t{printable(made['q'])}")
    if webhook:
        print(f"secret      {webhook['secret']}  (shown this once)\npublic key  {webhook['public_key']}")


def searches(api: Api, owner: str = "") -> Iterator[dict[str, Any]]:
    """All saved searches of this key, or of another owner, oldest first."""
    chosen = {"owner": owner} if owner else {}
    page = 0
    while True:
        page += 1
        found = api.read(_PATH, {"page": page, "page-size": 200, **chosen})["response"]["results"]
        yield from found
        if len(found) < 200:
            return


@app.command("list")
def list_(
    owner: Annotated[str, typer.Option(help="Id of another key, or '*' for all keys (scope admin).")] = "",
    json: Json = False,
) -> None:
    """All saved searches of this key, oldest first."""
    from broadsheet.cli.api import Api

    with Api(StackTarget()) as api:
        found = list(searches(api, owner))
    if json:
        for one in found:
            show_json(one)
        return
    rows = ((one["id"], one["owner"], one["q"], " ".join(one["types"]) or "all", one["sink"] or "-") for one in found)
    show_table(("id", "owner", "query", "types", "sink"), rows, empty="no saved searches")


@app.command()
def preview(
    subscription: Id,
    days: Annotated[int, typer.Option(min=1, max=365, help="How far back.")] = 7,
    json: Json = False,
) -> None:
    """Show past matches, newest first, and the cursor from which the event stream continues."""
    from broadsheet.cli.api import Api

    with Api(target := StackTarget()) as api:
        body = api.read(f"{subscription_path(subscription)}/preview", {"days": days})["response"]
    if json:
        show_json(body)
        return
    for hit in body["results"]:
        print(f"{hit['dated_at'][:10]}  {printable(hit['title'])}")
    print(f"{'' if body['totalIsExact'] else 'at least '}{body['total']}; continue at {target.serve_url}{body['next']}")


@app.command()
def delete(subscription: Id, json: Json = False, dry_run: DryRun = False) -> None:
    """Delete a saved search."""
    from broadsheet.cli.api import Api

    with Api(StackTarget()) as api:
        if dry_run:
            found = api.read(subscription_path(subscription))["response"]["subscription"]
        else:
            api.write("DELETE", subscription_path(subscription))
    if json:
        show_json({"id": subscription, "deleted": not dry_run})
    elif dry_run:
        print(f"would delete {found['id']} {printable(found['q'])}")
    else:
        print(f"deleted {printable(subscription)}")


def subscription_path(subscription: str) -> str:
    """API path of a saved search."""
    from urllib.parse import quote

    return f"{_PATH}/{quote(subscription, safe='')}"
