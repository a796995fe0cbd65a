"""Writes the generated parts of the documentation from the code: `python docs/generate.py`; `--check` only compares.

A generated part is between `<!-- generated: NAME -->` and `<!-- end: NAME -->`. Text outside is written by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from docs.parts.apps import api_rows, command_rows, metric_rows, work_streams  # noqa: E402 - the path above comes first
from docs.parts.engines import difference_rows, engine_rows  # noqa: E402
from docs.parts.log_lines import log_event_rows, log_key_rows  # noqa: E402
from docs.parts.settings import env_example, settings_tables  # noqa: E402
from docs.parts.streams import event_fields, flow, service_rows, stream_rows  # noqa: E402
from shared.topology import FLOW, consumed_by  # noqa: E402

PARTS: Final = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)

MAKERS: Final[dict[str, Callable[[], str]]] = {
    "flow": flow,
    "services": service_rows,
    "streams": stream_rows,
    "event-fields": event_fields,
    "settings": settings_tables,
    "api": api_rows,
    "metrics": metric_rows,
    "log-events": log_event_rows,
    "log-keys": log_key_rows,
    "commands": command_rows,
    "engines": engine_rows,
    "differences": difference_rows,
}


def render(page: Path) -> str:
    """The page with its generated parts made anew; raises KeyError for a part that nobody makes."""
    up = "../" * (len(page.relative_to(ROOT).parts) - 1)

    def part(name: str) -> str:
        return MAKERS[name]().replace("](services/", f"]({up}services/")

    return PARTS.sub(lambda found: f"{found[1]}{part(found[2])}\n{found[3]}", page.read_text("utf-8"))


def targets() -> dict[Path, str]:
    """Each file that holds something generated, as it should be."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    wanted = {page: render(page) for page in pages if "<!-- generated:" in page.read_text("utf-8")}
    return wanted | {
        ROOT / "infra/env.example": env_example(),
        **{ROOT / f"docs/asyncapi/{name}.json": work_streams(name) for name in FLOW if consumed_by(name)},
    }


def main(arguments: list[str]) -> int:
    """Write, or with `--check` only say what differs; exit 1 if something does."""
    wanted = targets()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        print(f"{'stale' if '--check' in arguments else 'wrote'}: {path.relative_to(ROOT)}")
        if "--check" not in arguments:
            path.write_text(wanted[path], "utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
