"""The tree as the architecture tests see it: files, modules, class bodies. Reads sources, imports nothing of ours."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("broadsheet", "services", "shared")
SERVICES: Final = ("ingest", "enrich", "index", "serve", "notify")


def product_files() -> list[Path]:
    """Every Python file that ships."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def all_files() -> list[Path]:
    """Every Python file of the repository, tests too."""
    return product_files() + sorted((ROOT / "tests").rglob("*.py"))


def relative(path: Path) -> str:
    """The path as written in messages and tables: from the root, with slashes."""
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    """The import name of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def classes(path: Path) -> Iterator[tuple[str, set[str]]]:
    """(name, last names of the bases) of every class in the file, nested ones too."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ClassDef):
            yield node.name, {ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases}


def settings_classes() -> dict[str, type]:
    """`shared`, `fetch` and each service -> its Settings class, imported."""
    import importlib

    from shared.fetch import FetchSettings
    from shared.settings import BaseServiceSettings

    found: dict[str, type] = {"shared": BaseServiceSettings, "fetch": FetchSettings}
    for service in SERVICES:
        module = importlib.import_module(f"services.{service}.settings")
        own = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, BaseServiceSettings)
            and value.__module__ == module.__name__
        ]
        if len(own) != 1:
            raise AssertionError(f"services/{service}/settings.py must hold one Settings class, found {own}")
        found[service] = own[0]
    return found
