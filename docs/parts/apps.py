"""Generated from the programs: routes, metrics, commands, AsyncAPI documents."""

from __future__ import annotations

import importlib
import json
from typing import Any

from docs.parts.settings import settings_of
from docs.parts.tables import table
from shared.topology import consumed_by


def openapi(service: str) -> dict[str, Any]:
    """The OpenAPI document of an HTTP service, made without connecting to anything."""
    app = importlib.import_module(f"services.{service}.app").create_app(settings_of(f"services.{service}.settings")())
    document: dict[str, Any] = app.openapi()
    return document


def routes(service: str) -> list[tuple[str, str, str]]:
    """(method, path, summary) of every documented route."""
    return [
        (method.upper(), path, operation.get("summary", ""))
        for path, operations in openapi(service)["paths"].items()
        for method, operation in operations.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]


def api_rows() -> str:
    """Every public route of ingest and serve."""
    rows = [
        [service, f"`{method} {path}`", summary]
        for service in ("ingest", "serve")
        for method, path, summary in routes(service)
    ]
    return table(["Service", "Route", "Purpose"], rows)


def metric_rows() -> str:
    """Every metric with its meaning."""
    module = importlib.import_module("shared.observability.metrics")
    collectors = [value for value in vars(module).values() if hasattr(value, "_documentation")]
    kinds = {"Counter": "_total", "Histogram": "", "Gauge": ""}
    rows = [
        [
            f"`{item._name}{kinds.get(type(item).__name__, '')}`",
            type(item).__name__.lower(),
            ", ".join(f"`{label}`" for label in item._labelnames),
            item._documentation,
        ]
        for item in collectors
    ]
    return table(["Metric", "Kind", "Labels", "Meaning"], rows)


def command_rows() -> str:
    """Every command of the CLI, with the first line of its help."""
    import typer

    root = typer.main.get_command(importlib.import_module("broadsheet.cli").app)
    return table(["Command", "Does"], _commands(root, "broadsheet"))


def _commands(command: Any, name: str) -> list[list[str]]:
    if not hasattr(command, "commands"):
        return [[f"`{name}`", (command.help or "").strip().split("\n\n")[0].replace("\n", " ")]]
    return [
        row for key, child in command.commands.items() if not child.hidden for row in _commands(child, f"{name} {key}")
    ]


def work_streams(service: str) -> str:
    """`docs/asyncapi/<service>.json`: FastStream's AsyncAPI document of a worker.

    Left out is what differs from machine to machine: where Redis is, and what the consumer is called.
    """
    from faststream.specification.asyncapi import AsyncAPI

    from shared.broker import make_worker

    async def nothing(_: Any) -> None:
        """Stands for the handler, which the document does not know."""

    (stream,) = consumed_by(service)
    worker = make_worker(service, stream, nothing, settings_of(f"services.{service}.settings")())  # type: ignore[arg-type]
    made = AsyncAPI(worker.broker, title=f"Broadsheet {service}", version="1.0.0").to_specification().to_json()
    document = json.loads(made)
    document["servers"]["development"]["host"] = "redis:6379"
    for channel in document["channels"].values():
        channel["bindings"]["redis"].pop("consumerName", None)
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
