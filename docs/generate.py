"""Writes the generated parts of the documentation from the code: `python docs/generate.py`; `--check` only compares.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`. What is outside is written by hand.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pydantic_settings import BaseSettings  # noqa: E402 - the path above comes first

from shared.topology import FLOW, STREAMS, Stream, consumed_by, produced_by  # noqa: E402

PARTS: Final = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)

PROMISES: Final = {
    "ingest": "202 means kept for ever; a retry never makes a twin; a refusal names the field",
    "enrich": "the same input gives the same article; hostile bytes are parsed in a child that can be killed",
    "index": "an article is announced only after a search can find it, once for each revision",
    "serve": "the log can be read from any point in the past; nothing is missed and nothing comes twice",
    "notify": "each event reaches each matching webhook at least once, signed, always under the same id",
}
ENTRANCES: Final = {"ingest": "`POST /v1/articles`"}
EXITS: Final = {"serve": "HTTP, SSE, pages", "notify": "webhooks"}


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [list(header), ["---"] * len(list(header)), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


# --- from the topology ----------------------------------------------------------------------------------------------


def flow() -> str:
    """The picture of the flow, drawn from the table of streams."""
    picture = "producers ─► "
    for service in FLOW:
        names = [stream.name for stream in produced_by(service)]
        picture += f"{service} ─ {names[0]} ─► " if names else ""
    ends = [service for service in FLOW if not produced_by(service)]
    picture += f"{', '.join(ends)} ─► readers"
    return f"```text\n{picture}\n```"


def service_rows() -> str:
    """Each service: what it reads, writes and promises."""
    rows = []
    for service in FLOW:
        reads = [f"`{stream.name}`" for stream in (*consumed_by(service), *_read_freely_by(service))]
        writes = [f"`{stream.name}`" for stream in produced_by(service)]
        rows.append(
            [
                f"[{service}](services/{service}/README.md)",
                ", ".join(reads) or ENTRANCES[service],
                ", ".join(writes) or EXITS[service],
                PROMISES[service],
            ]
        )
    return table(["Service", "Reads", "Writes", "Promise"], rows)


def stream_rows() -> str:
    """Each stream: model, producer, consumers, retention."""
    rows = [[f"`{s.name}`", f"`{s.event.__name__}`", s.producer, _consumers(s), _kept(s.keep)] for s in STREAMS]
    return table(["Stream", "Event", "Written by", "Read by", "Kept"], rows)


def _read_freely_by(service: str) -> tuple[Stream, ...]:
    return tuple(stream for stream in STREAMS if service in stream.readers)


def _consumers(stream: Stream) -> str:
    return ", ".join([*(f"{name} (group)" for name in stream.groups), *(f"{name} (cursor)" for name in stream.readers)])


def _kept(keep: timedelta | None) -> str:
    return "for ever" if keep is None else f"{keep.days} days after every group is done"


def event_fields() -> str:
    """The fields of every event, from its JSON schema."""
    parts: list[str] = []
    for stream in STREAMS:
        schema = stream.event.model_json_schema()
        for name, definition in [(stream.event.__name__, schema), *schema.get("$defs", {}).items()]:
            heading = f"#### `{name}`"
            if "properties" in definition and heading not in "\n".join(parts):
                rows = [
                    [f"`{key}`", _type(shape), "yes" if key in definition.get("required", ()) else ""]
                    for key, shape in definition["properties"].items()
                ]
                parts.append(f"{heading}\n\n{table(['Field', 'Type', 'Required'], rows)}")
    return "\n\n".join(parts)


def _type(shape: dict[str, Any]) -> str:
    if "$ref" in shape:
        return f"`{shape['$ref'].rsplit('/', 1)[-1]}`"
    if "anyOf" in shape:
        return " or ".join(_type(item) for item in shape["anyOf"])
    if shape.get("type") == "array":
        return f"list of {_type(shape['items'])}" if "items" in shape else "list"
    return " ".join(str(part) for part in (shape.get("type", "any"), shape.get("format", "")) if part)


# --- from the settings ----------------------------------------------------------------------------------------------


def settings_of(module: str) -> type[BaseSettings]:
    """The one Settings class that a module defines."""
    loaded = importlib.import_module(module)
    (found,) = [
        value
        for value in vars(loaded).values()
        if isinstance(value, type) and issubclass(value, BaseSettings) and value.__module__ == module
    ]
    return found


def settings_homes() -> dict[str, type[BaseSettings]]:
    """Title -> Settings class, shared ones first."""
    homes = {"All services": settings_of("shared.settings")}
    homes |= {"Outgoing requests": settings_of("shared.fetch.settings")}
    homes |= {service: settings_of(f"services.{service}.settings") for service in FLOW}
    return homes | {"Command line and supervisor": settings_of("broadsheet.settings")}


def own_fields(settings: type[BaseSettings]) -> dict[str, Any]:
    """The fields a Settings class adds to its base."""
    inherited = {name for base in settings.__mro__[1:] for name in getattr(base, "model_fields", {})}
    return {name: field for name, field in settings.model_fields.items() if name not in inherited}


def variable(settings: type[BaseSettings], name: str, field: Any) -> str:
    """The environment variable of a field."""
    return str(field.validation_alias or f"{settings.model_config.get('env_prefix', '')}{name}".upper())


def default_of(field: Any) -> str:
    """The default as it would be written in the environment; empty where there is none."""
    value = field.default
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    return "" if value is None or field.default_factory is not None else str(value)


def settings_tables() -> str:
    """Every setting with its default and meaning."""
    parts = []
    for title, settings in settings_homes().items():
        rows = [
            [
                f"`{variable(settings, name, field)}`",
                f"`{default_of(field)}`" if default_of(field) else "",
                field.description or "",
            ]
            for name, field in own_fields(settings).items()
        ]
        parts.append(f"### {title}\n\n{table(['Variable', 'Default', 'Meaning'], rows)}")
    return "\n\n".join(parts)


def env_example() -> str:
    """`infra/env.example`: every setting, commented out, at its default."""
    lines = ["# Every setting at its default. Generated by docs/generate.py; see docs/configuration.md."]
    for title, settings in settings_homes().items():
        lines += ["", f"# --- {title} ---"]
        for name, field in own_fields(settings).items():
            lines += [f"# {field.description}", f"#{variable(settings, name, field)}={default_of(field)}"]
    return "\n".join(lines) + "\n"


# --- from the apps --------------------------------------------------------------------------------------------------


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


# --- from the search engines ----------------------------------------------------------------------------------------


def engine_rows() -> str:
    """What each search engine can do beyond the contract."""
    from shared.search.port import Cap

    engines = [("embedded", "EmbeddedIndex"), ("meilisearch", "MeiliIndex")]
    can = [getattr(importlib.import_module(f"shared.search.{name}"), made).capabilities for name, made in engines]
    rows = [[f"`{cap}`", *("yes" if cap in able else "" for able in can)] for cap in Cap]
    return table(["Capability", *(name for name, _ in engines)], rows)


def difference_rows() -> str:
    """Where an engine may differ: the table that the behaviour suite goes by."""
    differences = importlib.import_module("tests.contracts.differences").DIFFERENCES
    return table(["Engine", "Name", "Difference"], [[row.engine, f"`{row.name}`", row.what] for row in differences])


MAKERS: Final[dict[str, Callable[[], str]]] = {
    "flow": flow,
    "services": service_rows,
    "streams": stream_rows,
    "event-fields": event_fields,
    "settings": settings_tables,
    "api": api_rows,
    "metrics": metric_rows,
    "commands": command_rows,
    "engines": engine_rows,
    "differences": difference_rows,
}


def render(page: Path) -> str:
    """The page with its generated parts made anew; raises KeyError for a part that nobody makes."""
    up = "../" * (len(page.relative_to(ROOT).parts) - 1)

    def part(name: str) -> str:
        return MAKERS[name]().replace("](services/", f"]({up}services/")

    return PARTS.sub(lambda found: f"{found[1]}{part(found[2])}\n{found[3]}", page.read_text("utf-8"))


def targets() -> dict[Path, str]:
    """Each file that holds something generated, as it should be."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    wanted = {page: render(page) for page in pages if "<!-- generated:" in page.read_text("utf-8")}
    return wanted | {
        ROOT / "infra/env.example": env_example(),
        **{ROOT / f"docs/asyncapi/{name}.json": work_streams(name) for name in FLOW if consumed_by(name)},
    }


def main(arguments: list[str]) -> int:
    """Write, or with `--check` only say what differs; exit 1 if something does."""
    wanted = targets()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        print(f"{'stale' if '--check' in arguments else 'wrote'}: {path.relative_to(ROOT)}")
        if "--check" not in arguments:
            path.write_text(wanted[path], "utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
