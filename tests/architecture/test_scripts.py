"""Lua scripts have one form: named arguments, and a docstring that says what the script guarantees."""

from __future__ import annotations

import importlib
import re

import pytest

from shared.store.scripts import Script
from tests.architecture.source import ROOT, product_files

BINDING = "shared/store/scripts.py"
BY_NUMBER = re.compile(r"\b(?:ARGV|KEYS)\s*\[|#(?:ARGV|KEYS)|unpack\((?:ARGV|KEYS)|\.(?:eval|evalsha|script_load)\(")


def texts() -> dict[str, str]:
    named = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in product_files()}
    return {name: text for name, text in named.items() if name != BINDING}


def scripts() -> list[type[Script]]:
    for name, text in texts().items():
        if "(Script)" in text:
            importlib.import_module(name.removesuffix(".py").replace("/", "."))
    return sorted(Script.__subclasses__(), key=lambda script: script.__name__)


def test_no_script_names_an_argument_by_its_number() -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if BY_NUMBER.search(line)
    ]
    assert found == [], "a script is a subclass of shared.store.scripts.Script"


@pytest.mark.parametrize("script", scripts(), ids=lambda script: str(script.__name__))
def test_a_script_says_what_it_guarantees(script: type[Script]) -> None:
    assert "Guarantees:" in (script.__doc__ or "")


@pytest.mark.parametrize("script", scripts(), ids=lambda script: str(script.__name__))
def test_a_script_uses_every_argument(script: type[Script]) -> None:
    arguments = [*script.compiled.scalars.values(), *script.compiled.arrays.values()]
    unused = [name for names in arguments for name in names if not re.search(rf"\b{name}\b", script.LUA)]
    assert unused == []
