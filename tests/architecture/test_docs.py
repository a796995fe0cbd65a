"""Documentation that drifts is worse than none: what is generated is up to date, what is written covers the code."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram

from docs.parts.settings import variable
from shared.observability import metrics
from shared.topology import STREAMS
from tests.architecture.source import ROOT, SERVICES, product_files, settings_classes

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DOCS = "\n".join(path.read_text("utf-8") for path in PAGES)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def generate(*arguments: str, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(root / "docs/generate.py"), *arguments],
        cwd=root,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def own_settings() -> list[tuple[str, str]]:
    """(service, environment variable) of every setting."""
    from shared.settings import BaseServiceSettings

    found = []
    for home, settings in settings_classes().items():
        fields = settings.model_fields  # type: ignore[attr-defined]
        for name, field in fields.items():
            if home != "shared" and name in BaseServiceSettings.model_fields:
                continue
            found.append((home, variable(settings, name, field)))  # type: ignore[arg-type]
    return found


def test_every_generated_part_is_up_to_date() -> None:
    """Run `python docs/generate.py` and commit what it wrote."""
    done = generate("--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_check_sees_a_stale_table(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "infra").mkdir()
    (tmp_path / "docs/generate.py").write_text((ROOT / "docs/generate.py").read_text("utf-8"))
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "article.enriched.v1" in readme
    (tmp_path / "README.md").write_text(readme.replace("article.enriched.v1", "article.enriched.v9"))
    (tmp_path / "infra/env.example").write_text((ROOT / "infra/env.example").read_text("utf-8"))
    shutil.copytree(ROOT / "docs/asyncapi", tmp_path / "docs/asyncapi")
    done = generate("--check", root=tmp_path)
    assert (done.returncode, done.stdout) == (1, "stale: README.md\n"), done.stderr


@pytest.mark.parametrize("name", [variable for _, variable in own_settings()])
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs/configuration.md").read_text("utf-8")
    assert f"\n#{name}=" in (ROOT / "infra/env.example").read_text("utf-8")


@pytest.mark.parametrize(("home", "settings"), settings_classes().items())
def test_settings_stay_small_and_explained(home: str, settings: type) -> None:
    """A service that needs more than fifteen knobs is two services, or has not decided something."""
    fields = settings.model_fields  # type: ignore[attr-defined]
    own = [variable for owner, variable in own_settings() if owner == home]
    assert len(own) <= 15
    assert [name for name, field in fields.items() if not field.description] == []
    assert settings.model_config["extra"] == "forbid"  # type: ignore[attr-defined]


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_every_stream_is_documented(stream: object) -> None:
    assert f"`{stream.name}`" in (ROOT / "docs/events.md").read_text("utf-8")  # type: ignore[attr-defined]


def test_every_metric_is_documented_once_and_named_by_the_rule() -> None:
    operations = (ROOT / "docs/operations.md").read_text("utf-8")
    found = [value for value in vars(metrics).values() if isinstance(value, Counter | Gauge | Histogram)]
    assert len(found) > 10
    for metric in found:
        name = metric._name + ("_total" if isinstance(metric, Counter) else "")
        assert name.startswith("broadsheet_")
        assert operations.count(f"`{name}`") >= 1, name
        assert metric._documentation


def test_metrics_are_made_in_one_module() -> None:
    makers = re.compile(r"\b(Counter|Gauge|Histogram|Summary)\(\s*[\"']")
    strays = [
        str(path.relative_to(ROOT))
        for package in ("services", "shared", "broadsheet")
        for path in (ROOT / package).rglob("*.py")
        if path.name != "metrics.py" and makers.search(path.read_text("utf-8"))
    ]
    assert strays == []


def test_every_metric_is_set_somewhere() -> None:
    code = "\n".join(path.read_text("utf-8") for path in product_files() if path.name != "metrics.py")
    names = [name for name, value in vars(metrics).items() if isinstance(value, Counter | Gauge | Histogram)]
    assert [
        name for name in names if not re.search(rf"\b{name}\b[^\n]*\.(inc|dec|set|observe)\(|{name}\.labels", code)
    ] == []


def test_every_command_has_help_and_is_documented() -> None:
    import typer

    from broadsheet.cli import app

    page = (ROOT / "docs/cli.md").read_text("utf-8")

    def walk(command: object, name: str) -> list[tuple[str, str]]:
        children = getattr(command, "commands", None)
        if children is None:
            return [(name, getattr(command, "help", "") or "")]
        return [found for key, child in children.items() if not child.hidden for found in walk(child, f"{name} {key}")]

    commands = walk(typer.main.get_command(app), "broadsheet")
    assert len(commands) >= 10
    for name, text in commands:
        assert text.strip(), name
        assert f"`{name}`" in page, name


def test_every_link_inside_the_repository_leads_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [*PAGES, *(ROOT / "services").glob("*/README.md")]
        for target in LINK.findall(re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL))
        if not target.startswith(("http://", "https://", "#", "mailto:"))
        and not (page.parent / target.split("#")[0]).exists()
    ]
    assert dead == []


def test_the_readme_is_one_screenful_of_reading() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_explains_itself(service: str) -> None:
    text = (ROOT / "services" / service / "README.md").read_text("utf-8")
    missing = [variable for home, variable in own_settings() if home == service and variable not in text]
    assert missing == []
    assert f"python -m services.{service}.app" in text


def test_no_placeholder_is_left() -> None:
    assert not re.search(r"\b(TODO|TBD|FIXME|XXX|lorem ipsum)\b", DOCS, re.IGNORECASE)


def test_decisions_are_numbered_without_gaps_and_have_the_same_parts() -> None:
    decisions = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(len(decisions)))
    for path in decisions[1:]:
        text = path.read_text("utf-8")
        for part in ("Status:", "## Context", "## Options", "## Decision", "## Costs"):
            assert part in text, f"{path.name} has no {part}"
