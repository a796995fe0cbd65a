"""The import contracts of pyproject.toml are green on this tree, and each one goes red when its fault is planted.

A contract that never failed is only a hope; every fault is planted in its own copy of the packages.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, ROOT

VERDICT = re.compile(r"^(?P<name>.+?) (?P<verdict>KEPT|BROKEN)\b", re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    """Files to write (a path starting with `+` is appended to), files to delete, and what must go red."""

    name: str
    broken: str
    write: dict[str, str] = field(default_factory=dict)
    delete: tuple[str, ...] = ()


FAULTS = [
    Fault(
        "a service imports another",
        "No service imports another",
        {"+services/serve/domain/__init__.py": "import services.enrich.domain\n"},
    ),
    Fault(
        "shared imports a service",
        "The CLI stands on the services, the services on shared",
        {"shared/store/planted.py": "import services.enrich.domain\n"},
    ),
    Fault(
        "a service imports the CLI",
        "The CLI stands on the services, the services on shared",
        {"+services/serve/app.py": "import broadsheet\n"},
    ),
    Fault(
        "a junk drawer in a service",
        "Every service has the same shape",
        {"services/enrich/utils.py": '"""Odds and ends."""\n'},
    ),
    Fault(
        "settings import the domain beside them",
        "Every service has the same shape",
        {"+services/enrich/settings.py": "import services.enrich.domain\n"},
    ),
    Fault(
        "a service without an app",
        "Missing layer in container 'services.courier'",
        {"services/courier/__init__.py": "", "services/courier/handlers.py": "", "services/courier/settings.py": ""},
    ),
    Fault(
        "the domain imports a client library",
        "Domain code does no I/O",
        {"services/index/domain/planted.py": "import httpx\n"},
    ),
    Fault(
        "the domain imports the store",
        "Domain code does no I/O",
        {"services/index/domain/planted.py": "from shared.store import open_store\n"},
    ),
    Fault(
        "the domain reaches I/O through a module that may itself do it",
        "Domain code does no I/O",
        {
            "services/index/domain/planted.py": "from shared import articles\n",
            "+shared/articles.py": "import sqlite3\n",
        },
    ),
    Fault(
        "the domain starts an event loop",
        "Domain code does no I/O",
        {"services/enrich/domain/planted.py": "import asyncio\n"},
    ),
    Fault(
        "a service takes a search engine past the port",
        "Search engines are reached through the port",
        {"+services/serve/app.py": "import shared.search.embedded\n"},
    ),
    Fault(
        "a cycle in shared",
        "No cycles between siblings",
        {
            "shared/store/planted_a.py": "import shared.store.planted_b\n",
            "shared/store/planted_b.py": "import shared.store.planted_a\n",
        },
    ),
    Fault(
        "a module in shared that no layer names",
        "A new module in shared is a visible decision",
        {"shared/planted.py": '"""Nobody decided on this."""\n'},
    ),
    Fault(
        "a module of shared imports one of its own layer",
        "A new module in shared is a visible decision",
        {"+shared/errors.py": "import shared.clock\n"},
    ),
    Fault(
        "a service talks to Redis itself",
        "Redis is reached through the broker and the store",
        {"+services/serve/app.py": "import redis\n"},
    ),
]


def copy_packages(target: Path) -> Path:
    """The packages and their contracts, without anything else."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", target)
    return target


def plant(fault: Fault, tree: Path) -> None:
    """Make the fault in the copy."""
    for name in fault.delete:
        (tree / name).unlink()
    for name, text in fault.write.items():
        path = tree / name.removeprefix("+")
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text("utf-8") if name.startswith("+") else ""
        path.write_text(f"{before}\n{text}", "utf-8")


def lint(tree: Path) -> tuple[int, dict[str, bool], str]:
    """Exit code, contract -> kept, and the whole output of lint-imports in that tree."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache", "--config", "pyproject.toml"],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    output = done.stdout + done.stderr
    verdicts = {match["name"].strip(): match["verdict"] == "KEPT" for match in VERDICT.finditer(done.stdout)}
    return done.returncode, verdicts, output


def test_the_tree_keeps_every_contract(tmp_path: Path) -> None:
    code, verdicts, output = lint(copy_packages(tmp_path))
    assert code == 0, output
    assert len(verdicts) >= 8
    assert all(verdicts.values())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_breaks_its_contract_and_no_other(fault: Fault, tmp_path: Path) -> None:
    tree = copy_packages(tmp_path)
    plant(fault, tree)
    code, verdicts, output = lint(tree)
    assert code != 0, output
    if fault.broken in verdicts:
        assert [name for name, kept in verdicts.items() if not kept] == [fault.broken], output
    else:
        assert fault.broken in output.replace("\n", " ")  # a missing layer stops the linter before the table


def test_every_contract_has_a_fault_that_breaks_it(tmp_path: Path) -> None:
    _, verdicts, _ = lint(copy_packages(tmp_path))
    assert set(verdicts) - {fault.broken for fault in FAULTS} == set()
