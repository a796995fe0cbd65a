"""webhook list, deliveries, test, replay, enable, rotate-secret: the endpoints of the key's saved searches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadsheet.cli.options import DryRun, Json, show_json, show_table
from broadsheet.cli.subscribe import Id, searches, subscription_path
from broadsheet.cli.target import StackTarget
from broadsheet.failure import CliFailure

if TYPE_CHECKING:
    from broadsheet.cli.api import Api

app = typer.Typer(help="Manage webhooks: deliveries, test, replay, secrets.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> None:
    """List saved searches that have a webhook, with the endpoint's state."""
    from broadsheet.cli.api import Api

    with Api(StackTarget()) as api:
        found = list(_endpoints(api))
    if json:
        for one in found:
            show_json(one)
        return
    rows = ((one["id"], one["webhook"]["url"], _state(one["webhook"]), str(one["waiting"]), one["q"]) for one in found)
    show_table(("id", "sink", "state", "waiting", "query"), rows, empty="no webhooks")


@app.command()
def deliveries(subscription: Id, json: Json = False) -> None:
    """List queued deliveries, then finished ones, newest first."""
    from broadsheet.cli.api import Api

    with Api(StackTarget()) as api:
        body = api.read(f"{subscription_path(subscription)}/deliveries", {"page-size": 200})["response"]
    if json:
        show_json(body)
        return
    rows = (
        (one["id"], one["type"], one["state"], str(len(one["attempts"])), _last(one["attempts"]))
        for one in body["results"]
    )
    show_table(("id", "type", "state", "attempts", "last"), rows, empty="no deliveries")


@app.command("test")
def ping(subscription: Id, json: Json = False, dry_run: DryRun = False) -> None:
    """Send a ping immediately."""
    _change(subscription, "test", None, json=json, dry_run=dry_run, words="send a ping to")


@app.command()
def enable(subscription: Id, json: Json = False, dry_run: DryRun = False) -> None:
    """Enable a disabled endpoint and send its pending deliveries. Prints the cursor of the first missed event."""
    body = _change(subscription, "enable", None, json=json, dry_run=dry_run, words="enable")
    if body is not None and not json and body["missed_after"]:
        print(f"missed events: broadsheet webhook replay {subscription} --since {body['missed_after']}")


@app.command()
def replay(
    subscription: Id,
    since: Annotated[str, typer.Option(help="Replay the log after this time or cursor.")] = "",
    until: Annotated[str, typer.Option(help="Replay up to this time or cursor. Default: the current end.")] = "",
    delivery: Annotated[str, typer.Option(help="Replay only this delivery, msg_...")] = "",
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Replay one delivery or a range of the log under the same ids."""
    if bool(delivery) == bool(since) or (delivery and until):
        raise CliFailure("give --since (and --until), or --delivery", code=2)
    body = {"delivery": delivery} if delivery else {"since": since} | ({"until": until} if until else {})
    _change(subscription, "replay", body, json=json, dry_run=dry_run, words=f"replay {delivery or since} to")


@app.command("rotate-secret")
def rotate(subscription: Id, json: Json = False, dry_run: DryRun = False) -> None:
    """Rotate the signing secret and print the new one. The old secret keeps signing for 24 hours."""
    body = _change(subscription, "rotate-secret", None, json=json, dry_run=dry_run, words="rotate the secret of")
    if body is not None and not json:
        print(f"secret      {body['webhook']['secret']}\npublic key  {body['webhook']['public_key']}")


def _change(
    subscription: str, verb: str, body: dict[str, Any] | None, *, json: bool, dry_run: bool, words: str
) -> dict[str, Any] | None:
    from broadsheet.cli.api import Api

    with Api(StackTarget()) as api:
        path = subscription_path(subscription)
        if dry_run:
            found = api.read(f"{path}/deliveries", {"page-size": 1})["response"]["webhook"]
            print(f"would {words} {found['url']} ({_state(found)})")
            return None
        said: dict[str, Any] = api.write("POST", f"{path}/{verb}", body)["response"]
    if json:
        show_json(said)
    else:
        print(f"{said['webhook']['url']}  {_state(said['webhook'])}  {said['delivery'] or ''}".rstrip())
    return said


def _endpoints(api: Api) -> Iterator[dict[str, Any]]:
    for one in searches(api):
        if one["sink"]:
            body = api.try_read(f"{subscription_path(one['id'])}/deliveries?page-size=1")
            if body is not None:
                said = body["response"]
                yield {"id": one["id"], "q": one["q"], "webhook": said["webhook"], "waiting": said["waiting"]}


def _state(webhook: dict[str, Any]) -> str:
    reason = webhook["reason"]
    failing = " (failing)" if webhook["failing_since"] and webhook["status"] != "disabled" else ""
    return f"{webhook['status']}{f' ({reason})' if reason else failing}"


def _last(attempts: list[dict[str, Any]]) -> str:
    if not attempts:
        return "-"
    last = attempts[-1]
    return f"{last['at']} {last['status'] or '-'} {last['took_ms']} ms {last['error']}".rstrip()
