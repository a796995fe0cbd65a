"""Each extra alone is enough for its service: an image holds that extra and nothing else.

`.ci/run` installs each extra and imports its service; this reads the import graph instead, so that it takes a second.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import grimp
import pytest

from tests.architecture.source import ROOT, SERVICES

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
GRAPH = grimp.build_graph("services", "shared", "broadsheet", include_external_packages=True)
OURS = {"services", "shared", "broadsheet"}
OPTIONAL = {"enrich": ["ner"]}
"""Further extras of a service, whose libraries it imports only where a setting asks for them."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", name, maxsplit=1)[0]).lower()


def needs(name: str) -> list[str]:
    """What an installed package requires; nothing of an optional one that is absent, which nothing here can reach."""
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def third_party(modules: set[str]) -> set[str]:
    return {name for name in modules if GRAPH.is_module_squashed(name) and name.split(".")[0] not in OURS}


def undeclared(needed: set[str], extras: list[str]) -> dict[str, list[str]]:
    """Imported packages that neither the dependencies nor these extras install, and the names they are installed by."""
    declared = {normal(item) for item in PROJECT["dependencies"]}
    declared |= {normal(item) for extra in extras for item in PROJECT["optional-dependencies"][extra]}
    declared |= {normal(item) for name in sorted(declared) for item in needs(name) if "extra ==" not in item}
    homes = packages_distributions()
    return {
        name: sorted(homes[name])
        for name in needed
        if name in homes and not declared & {normal(home) for home in homes[name]}
    }


def container_imports() -> set[str]:
    """Modules of ours that the programs of infra/container import; they run in the image of the command line."""
    trees = [ast.parse(path.read_text("utf-8")) for path in (ROOT / "infra/container").glob("*.py")]
    named = {node.module or "" for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name for name in named if name.split(".")[0] in OURS}


def reached_by_command_line() -> set[str]:
    """Modules that the image of the command line can come to import. In it the engine is a server, never embedded."""
    absent = {line.replace("/", ".") for line in (ROOT / ".dockerignore").read_text("utf-8").split()}
    graph = grimp.build_graph("services", "shared", "broadsheet", include_external_packages=True)
    for module in (*absent, "shared.search.embedded"):
        if module in graph.modules:
            for inner in (*graph.find_descendants(module), module):
                graph.remove_module(inner)
    starts = container_imports() | {name for name in graph.modules if name.split(".")[0] == "broadsheet"}
    return set().union(*(graph.find_upstream_modules(name) for name in starts))


@pytest.mark.parametrize("service", SERVICES)
def test_the_extra_of_a_service_names_every_library_that_it_imports(service: str) -> None:
    needed = third_party(GRAPH.find_upstream_modules(f"services.{service}.app"))
    assert undeclared(needed, [service, *OPTIONAL.get(service, [])]) == {}
    assert len(needed) > 3


def test_the_extra_of_the_command_line_is_enough_for_its_image() -> None:
    """The image runs `bootstrap` too: a library missing there is found by nobody until compose starts."""
    reached = reached_by_command_line()
    assert undeclared(third_party(reached), ["cli"]) == {}
    assert not {name for name in reached if name.split(".")[0] == "services"}, "the image holds no service"
    assert {"meilisearch", "typer"} <= reached
    assert "shared.search.server" in container_imports()


@pytest.mark.parametrize("service", OPTIONAL)
def test_an_optional_library_is_in_no_image_and_loaded_by_no_start(service: str) -> None:
    optional = {normal(item) for extra in OPTIONAL[service] for item in PROJECT["optional-dependencies"][extra]}
    usual = [
        item
        for extra, items in PROJECT["optional-dependencies"].items()
        if extra not in OPTIONAL[service]
        for item in items
    ]
    assert optional.isdisjoint(normal(item) for item in PROJECT["dependencies"] + usual)
    loaded = f"services.{service}.app, services.{service}.adapters.parser_child"
    code = f"import sys, {loaded}; print(*({optional} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == []


def test_dev_leaves_the_optional_extras_out() -> None:
    assert '"--all-extras", "--no-extra", "ner"' in (ROOT / "dev").read_text("utf-8")
