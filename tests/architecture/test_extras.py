"""Each extra alone is enough for its service: an image holds that extra and nothing else.

`.ci/run` installs each extra and imports its service; this reads the import graph instead, so that it takes a second.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import grimp
import pytest

from tests.architecture.source import ROOT, SERVICES

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
GRAPH = grimp.build_graph("services", "shared", include_external_packages=True)
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


def needed(service: str) -> set[str]:
    """The third-party packages that `services.<service>.app` imports, however far away."""
    reached = GRAPH.find_upstream_modules(f"services.{service}.app")
    return {name for name in reached if GRAPH.is_module_squashed(name) and name.split(".")[0] not in OURS}


@pytest.mark.parametrize("service", SERVICES)
def test_the_extra_of_a_service_names_every_library_that_it_imports(service: str) -> None:
    extras = [service, *OPTIONAL.get(service, [])]
    declared = {normal(item) for item in PROJECT["dependencies"]}
    declared |= {normal(item) for extra in extras for item in PROJECT["optional-dependencies"][extra]}
    declared |= {normal(item) for name in sorted(declared) for item in needs(name) if "extra ==" not in item}
    homes = packages_distributions()
    missing = {
        name: sorted(homes[name])
        for name in needed(service)
        if name in homes and not declared & {normal(home) for home in homes[name]}
    }
    assert missing == {}
    assert len(needed(service)) > 3


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
