"""Each extra alone is enough for its service: an image holds that extra and nothing else.

`.ci/run` installs each extra and imports its service; this reads the import graph instead, so that it takes a second.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions, requires

import grimp
import pytest

from tests.architecture.source import ROOT, SERVICES

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
GRAPH = grimp.build_graph("services", "shared", include_external_packages=True)
OURS = {"services", "shared", "broadsheet"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", name, maxsplit=1)[0]).lower()


def needed(service: str) -> set[str]:
    """The third-party packages that `services.<service>.app` imports, however far away."""
    reached = GRAPH.find_upstream_modules(f"services.{service}.app")
    return {name for name in reached if GRAPH.is_module_squashed(name) and name.split(".")[0] not in OURS}


@pytest.mark.parametrize("service", SERVICES)
def test_the_extra_of_a_service_names_every_library_that_it_imports(service: str) -> None:
    declared = {normal(item) for item in PROJECT["dependencies"] + PROJECT["optional-dependencies"][service]}
    declared |= {normal(item) for name in sorted(declared) for item in requires(name) or () if "extra ==" not in item}
    homes = packages_distributions()
    missing = {
        name: sorted(homes[name])
        for name in needed(service)
        if name in homes and not declared & {normal(home) for home in homes[name]}
    }
    assert missing == {}
    assert len(needed(service)) > 3
