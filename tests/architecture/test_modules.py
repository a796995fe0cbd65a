"""Size, names and shape of modules: aim 200 lines, warn at 300, fail at 500."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, SERVICES, all_files, classes, product_files, relative

AIM, WARN, FAIL = 200, 300, 500
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
MODEL_HOMES = re.compile(
    r"^(shared/(events|articles|fingerprints|problems)\.py|(shared|shared/fetch|broadsheet)/settings\.py"
    r"|services/[a-z]+/settings\.py|services/[a-z]+/routes/[a-z_]*schemas\.py)$"
)
MODEL_EXCEPTIONS = {
    "services/enrich/domain/pipeline.py": "the result that comes back over those pipes",
}
SERVICE_ENTRIES = {"__init__.py", "README.md", "app.py", "handlers.py", "routes.py", "settings.py"}
SERVICE_FOLDERS = {"adapters", "domain", "routes"}


def line_count(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def over_budget(counts: dict[str, int], exceptions: dict[str, int]) -> list[str]:
    """What breaks the budget, in sentences."""
    problems = [f"{name} has {count} lines; the limit is {FAIL}" for name, count in counts.items() if count > FAIL]
    for name, count in counts.items():
        if WARN < count <= FAIL and count > exceptions.get(name, WARN):
            problems.append(f"{name} has {count} lines; split it (aim {AIM}) or list it in budget.toml")
    for name, allowed in exceptions.items():
        if name not in counts:
            problems.append(f"budget.toml lists {name}, which is gone: remove the line")
        elif counts[name] < allowed:
            problems.append(f"{name} shrank to {counts[name]} lines: lower its line in budget.toml ({allowed})")
    return problems


def test_every_module_is_inside_the_budget() -> None:
    exceptions = tomllib.loads((ROOT / "tests/architecture/budget.toml").read_text("utf-8"))["exceptions"]
    counts = {relative(path): line_count(path) for path in all_files()}
    assert counts
    assert not over_budget(counts, exceptions)


def test_modules_above_the_aim_are_few() -> None:
    counts = {relative(path): line_count(path) for path in product_files()}
    large = {name: count for name, count in counts.items() if count > AIM}
    if len(large) * 4 > len(counts):
        raise AssertionError(f"more than a quarter of the modules is above {AIM} lines: {large}")


@pytest.mark.parametrize(
    ("counts", "exceptions", "word"),
    [
        ({"a.py": 501}, {"a.py": 501}, "limit"),
        ({"a.py": 301}, {}, "split"),
        ({"a.py": 320}, {"a.py": 310}, "split"),
        ({"a.py": 305}, {"a.py": 310}, "lower"),
        ({}, {"a.py": 310}, "gone"),
    ],
)
def test_the_budget_rule_sees_each_fault(counts: dict[str, int], exceptions: dict[str, int], word: str) -> None:
    assert any(word in problem for problem in over_budget(counts, exceptions))


def test_no_module_has_a_name_that_means_nothing() -> None:
    named = {relative(path) for path in all_files() if {path.stem, *path.parts} & BANNED_NAMES}
    assert named == set()


def test_wire_and_http_models_live_in_their_places_only() -> None:
    """A second BaseModel of the same thing is how services drift apart; domain values are frozen dataclasses."""
    models = {"BaseModel", "RootModel", "BaseSettings", "_Value", "_Model"}
    strays = [
        f"{relative(path)}: {name}"
        for path in product_files()
        if not MODEL_HOMES.match(relative(path)) and relative(path) not in MODEL_EXCEPTIONS
        for name, bases in classes(path)
        if bases & models
    ]
    assert strays == []
    for name in MODEL_EXCEPTIONS:  # an exception that is not needed any more has to go
        assert any(bases & models for _, bases in classes(ROOT / name)), name


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_folder_holds_the_same_things_as_every_other(service: str) -> None:
    entries = {path.name for path in (ROOT / "services" / service).iterdir() if path.name != "__pycache__"}
    assert {"__init__.py", "README.md", "app.py", "handlers.py", "settings.py", "domain"} <= entries
    assert entries - SERVICE_ENTRIES - SERVICE_FOLDERS == set()


def test_the_budget_is_the_one_that_contributors_read() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert f"aim {AIM}, warn {WARN}, fail {FAIL}" in text
