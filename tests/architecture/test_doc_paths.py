"""Files named in the README, docs and service READMEs exist, so that a moved module takes its documentation along."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

# Decisions (docs/adr) and the changelog are historical: they name files of their time.
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "services").glob("*/README.md"),
    ]
)
CODE = re.compile(r"`([^`\n]+)`")
MODULE = re.compile(r"^(?:[\w.<>-]+/)*[\w-]+\.py$")
FOLDER = re.compile(r"^(?:tests|services|shared|broadsheet|infra|docs)/[\w./*-]+$")


def mentioned(text: str) -> set[str]:
    """Paths in inline code: `x.py`, `path/x.py`, and folders or globs below the top-level directories."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return {name for name in CODE.findall(prose) if (MODULE.match(name) or FOLDER.match(name)) and "<" not in name}


def exists(name: str, page: Path) -> bool:
    """From the root or from the page's folder; a bare file name anywhere below the service or the root."""
    home = page.parent if page.parent.parent.name == "services" else ROOT
    if any(True for base in (ROOT, page.parent) for _ in base.glob(name.rstrip("/"))):
        return True
    folders = (home,) if home != ROOT else (ROOT / "shared", ROOT / "services", ROOT / "broadsheet", ROOT / "tests")
    return "/" not in name and any(True for folder in folders for _ in folder.rglob(name))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    assert sorted(name for name in mentioned(page.read_text("utf-8")) if not exists(name, page)) == []


def test_a_moved_file_is_noticed() -> None:
    page = ROOT / "services/enrich/README.md"
    assert mentioned("`author_choice.py`, `tests/nowhere/`, `SERVE_PORT`") == {"author_choice.py", "tests/nowhere/"}
    assert not exists("author_choice.py", page)
    assert not exists("domain/entities.py", page)
    assert not exists("tests/nowhere/", page)
    assert exists("domain/names/entities.py", page)
    assert exists("settings.py", page)
