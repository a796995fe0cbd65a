"""Generated documentation of the topology: flow, services, streams and event fields."""

from __future__ import annotations

from typing import Any, Final

from docs.parts.tables import table
from shared.topology import FLOW, REJECTIONS, STREAMS, Stream, consumed_by, produced_by

ALL: Final = (*STREAMS, REJECTIONS)
PROMISES: Final = {
    "ingest": "202 means stored durably; retries are idempotent; a rejection names the field",
    "enrich": "deterministic; untrusted bytes are parsed in a killable child process",
    "index": "each revision is published once, after it is searchable",
    "serve": "the log can be read from any past position, without gaps or duplicates",
    "notify": "each event is delivered at least once to each matching webhook, signed, under one id",
}
INPUTS: Final = {"ingest": "`POST /v1/articles`"}
OUTPUTS: Final = {"serve": "HTTP, SSE, pages", "notify": "webhooks"}


def flow() -> str:
    """Diagram of the flow, derived from the topology."""
    picture = "producers ─► "
    for service in FLOW:
        names = [stream.name for stream in produced_by(service)]
        picture += f"{service} ─ {names[0]} ─► " if names else ""
    ends = [service for service in FLOW if not produced_by(service)]
    picture += f"{', '.join(ends)} ─► readers"
    return f"```text\n{picture}\n```"


def service_rows() -> str:
    """Each service with its inputs, outputs and guarantee."""
    rows = []
    for service in FLOW:
        reads = [f"`{stream.name}`" for stream in (*consumed_by(service), *_read_freely_by(service))]
        writes = [f"`{stream.name}`" for stream in produced_by(service)]
        rows.append(
            [
                f"[{service}](services/{service}/README.md)",
                ", ".join(reads) or INPUTS[service],
                ", ".join(writes) or OUTPUTS[service],
                PROMISES[service],
            ]
        )
    return table(["Service", "Reads", "Writes", "Guarantee"], rows)


def stream_rows() -> str:
    """Each stream: model, producer, consumers, retention."""
    rows = [[f"`{s.name}`", f"`{s.event.__name__}`", s.producer, _consumers(s), _kept(s)] for s in ALL]
    return table(["Stream", "Event", "Producer", "Consumers", "Retention"], rows)


def _read_freely_by(service: str) -> tuple[Stream, ...]:
    return tuple(stream for stream in STREAMS if service in stream.readers)


def _consumers(stream: Stream) -> str:
    return ", ".join([*(f"{name} (group)" for name in stream.groups), *(f"{name} (cursor)" for name in stream.readers)])


def _kept(stream: Stream) -> str:
    if stream.keep is None:
        return "permanently"
    return f"{stream.keep.days} days" + (" after every group acknowledged" if stream.groups else "")


def event_fields() -> str:
    """The fields of every event, from its JSON schema."""
    parts: list[str] = []
    for stream in ALL:
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
