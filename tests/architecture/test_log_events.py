"""Every log line of the product has a registered name and registered keys."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from shared.observability import log_events
from tests.architecture.source import product_files, relative

LEVELS = {"debug", "info", "warning", "warn", "error", "exception", "critical", "msg", "log"}
NAMES = {name: value for name, value in vars(log_events).items() if name.isupper() and isinstance(value, str)}
FORM = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")


def loggers_of(tree: ast.AST) -> set[str]:
    """Names that a module binds to a logger of structlog or of the standard library."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            called = ast.unparse(node.value.func)
            if called.endswith(("get_logger", "getLogger")):
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def faults_of(source: str) -> Iterator[str]:
    """What is wrong with the log calls of a module."""
    tree = ast.parse(source)
    loggers = loggers_of(tree)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
            continue
        target = ast.unparse(node.func.value)
        if not (target in loggers or target == "logging" or "getLogger" in target or "get_logger" in target):
            continue
        name = ast.unparse(node.args[0]) if node.args else ""
        if name.removeprefix("log_events.") not in NAMES or not name.startswith("log_events."):
            yield f"line {node.lineno}: {name or 'no name'} is not of shared/observability/log_events.py"
        for keyword in node.keywords:
            if keyword.arg is not None and keyword.arg not in log_events.KEYS:
                yield f"line {node.lineno}: the key {keyword.arg} is not in log_events.KEYS"


@pytest.mark.parametrize("path", product_files(), ids=relative)
def test_every_log_call_uses_a_registered_name_and_registered_keys(path: object) -> None:
    assert list(faults_of(path.read_text("utf-8"))) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "line",
    [
        'log.info("article.accepted")',
        "log.info(log_events.NO_SUCH_NAME)",
        "log.warning(log_events.ARTICLE_ACCEPTED, colour='red')",
        'log.exception(f"{log_events.ARTICLE_ACCEPTED}.twice")',
        'structlog.get_logger().info("x")',
        'logging.getLogger("x").error("boom")',
        'logging.error("boom")',
        "log.info(event=log_events.ARTICLE_ACCEPTED)",
    ],
)
def test_the_check_finds_a_planted_fault(line: str) -> None:
    assert list(faults_of(f"log = structlog.get_logger(__name__)\n{line}\n"))


def test_names_have_one_form_and_are_unique_and_used() -> None:
    assert [value for value in NAMES.values() if not FORM.fullmatch(value)] == []
    assert len(set(NAMES.values())) == len(NAMES)
    product = "\n".join(path.read_text("utf-8") for path in product_files())
    assert [name for name in NAMES if f"log_events.{name}" not in product] == []


def test_every_key_is_used_and_explained() -> None:
    product = "\n".join(path.read_text("utf-8") for path in product_files())
    unused = [key for key in log_events.KEYS if not re.search(rf'\b{key}=|"{key}":', product)]
    assert unused == []
    assert all(log_events.KEYS.values())
