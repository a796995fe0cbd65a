"""Log lines cannot be faked from inside a value, and health says what it should."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog
from prometheus_client import REGISTRY
from starlette.applications import Starlette

from shared.observability import metrics
from shared.observability.health import health_routes
from shared.observability.logging import configure_logging, escape
from shared.settings import BaseServiceSettings

HOSTILE = "a\r\nFAKE level=info\x1b[31m\u2028\u2029\x00\x85 end"


class Lines:
    """What was written to stderr so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield Lines(capsys)
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def configured(**values: str) -> None:
    settings = BaseServiceSettings(**{f"BROADSHEET_{name}": value for name, value in values.items()})
    configure_logging(settings, service="enrich")


def test_one_event_is_one_json_line_whatever_is_in_it(stderr: Lines) -> None:
    configured(LOG_FORMAT="json")
    log = structlog.get_logger("x")
    log.warning("entry.dead", reason=HOSTILE, nested={"k" + HOSTILE: [HOSTILE]}, raw=b"\xff\n", number=3, none=None)
    lines = stderr.getvalue().split("\n")
    assert lines[1:] == [""]
    assert lines[0].isprintable()
    event = json.loads(lines[0])
    assert (event["service"], event["level"], event["event"], event["number"]) == ("enrich", "warning", "entry.dead", 3)
    assert "\\u000d\\u000a" in event["reason"]


def test_text_lines_are_as_safe(stderr: Lines) -> None:
    configured(LOG_FORMAT="text")
    structlog.get_logger("x").error("boom", reason=HOSTILE)
    (line, rest) = stderr.getvalue().split("\n")
    assert rest == ""
    assert line.isprintable()
    assert "ERROR" in line


def test_long_values_are_cut_and_secrets_hidden(stderr: Lines) -> None:
    configured(LOG_FORMAT="json")
    planted = "bsk_abc_canary"
    structlog.get_logger("x").warning(
        "login", text="x" * 5000, api_key=planted, note=f"with {planted}", Authorization="y"
    )
    event = json.loads(stderr.getvalue())
    assert len(event["text"]) == 512
    assert event["api_key"] == event["Authorization"] == "[hidden]"
    assert "canary" not in stderr.getvalue()


def test_an_exception_is_one_line_too(stderr: Lines) -> None:
    configured(LOG_FORMAT="json")
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        structlog.get_logger("x").exception("broken")
    (line, _) = stderr.getvalue().split("\n")
    assert "ValueError" in json.loads(line)["exception"]


def test_the_level_counts_and_libraries_speak_only_of_trouble(stderr: Lines) -> None:
    configured(LOG_FORMAT="json", LOG_LEVEL="INFO")
    structlog.get_logger("x").debug("pause")
    logging.getLogger("library").info("pause")
    assert stderr.getvalue() == ""
    logging.getLogger("library").error("trouble %s", HOSTILE)
    assert json.loads(stderr.getvalue())["event"].startswith("trouble a\\u000d")


@pytest.mark.parametrize("char", ["\n", "\r", "\x1b", "\u2028", "\u202e", "\x00", "\x7f", "\ud800"])
def test_escaping_leaves_no_control_character(char: str) -> None:
    assert escape(f"a{char}b") == f"a\\u{ord(char):04x}b"


async def test_health_pages_say_yes_and_no() -> None:
    state: dict[str, Any] = {"ready": False, "started": False, "collected": 0}

    async def ready() -> tuple[bool, dict[str, Any]]:
        return state["ready"], {"reader": state["ready"]}

    async def collect() -> None:
        state["collected"] += 1

    app = Starlette(routes=health_routes(ready, started=lambda: state["started"], collect=collect))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/startupz")).status_code == 503
        page = await client.get("/readyz")
        assert (page.status_code, page.json()) == (503, {"status": "not ready", "reader": False})
        state.update(ready=True, started=True)
        assert (await client.get("/startupz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200
        metrics.DEAD_TOTAL.labels("enrich", "no-body").inc()
        page = await client.get("/metrics")
        assert 'broadsheet_dlq_total{reason="no-body",stage="enrich"}' in page.text
        assert state["collected"] == 1
        assert (await client.post("/livez")).status_code == 405


def test_every_metric_of_ours_carries_the_prefix_and_no_id() -> None:
    ours = [value for value in vars(metrics).values() if hasattr(value, "_labelnames")]
    assert ours
    for metric in ours:
        assert metric._name.startswith("broadsheet_")
        assert not {"id", "article_id", "entry_id", "consumer"} & set(metric._labelnames)
        assert metric in {REGISTRY._names_to_collectors[name] for name in REGISTRY._names_to_collectors}
