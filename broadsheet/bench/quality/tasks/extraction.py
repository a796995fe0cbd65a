"""Bodies and fields of HTML pages: five annotated data sets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from broadsheet.bench.quality.material import lines_of, tar_members
from broadsheet.bench.quality.pages import JudgedPage, Targets, measure
from broadsheet.bench.quality.task import Task, TaskOutcome

_AEB: Final = "extraction/aeb.tar.zst"
_FUNDUS: Final = "extraction/fundus.tar.zst"
_TRAFILATURA: Final = "extraction/trafilatura_eval.tar.zst"
_WCXB: Final = "extraction/wcxb.tar.zst"
_MEDIACLOUD: Final = "extraction/htmldate_mediacloud.tar.zst"
_BETWEEN: Final = re.compile(r"[;,&]|\band\b")
_FALSE_AUTHOR: Final = (0.20, 0.10)


def aeb_pages(data: Path) -> list[JudgedPage]:
    """The article extraction benchmark: whole bodies."""
    files = tar_members(data / _AEB)
    gold = json.loads(files["ground-truth.json"])
    return [
        JudgedPage(files[f"html/{key}.html"], row.get("url"), body=row.get("articleBody", ""))
        for key, row in gold.items()
    ]


def fundus_pages(data: Path) -> list[JudgedPage]:
    """News sites of many countries: whole bodies and fields."""
    files = tar_members(data / _FUNDUS)
    return [
        JudgedPage(
            files[row["file"]],
            row["url"],
            body=_fundus_text(row["body"]),
            title=row["title"] or None,
            authors=tuple(row["authors"] or ()),
            date=_iso(row["publishing_date"]),
        )
        for row in lines_of(files["gold.jsonl"])
    ]


def _fundus_text(body: dict[str, Any] | None) -> str | None:
    if not body:
        return None
    sections = ((*section["headline"], *section["paragraphs"]) for section in body["sections"])
    return "\n".join((*body["summary"], *(text for texts in sections for text in texts)))


def trafilatura_pages(data: Path) -> list[JudgedPage]:
    """trafilatura's own pages: snippets that must and must not be in the body, and fields."""
    files = tar_members(data / _TRAFILATURA)
    return [
        JudgedPage(
            files[row["file"]],
            row["url"],
            wanted=tuple(row["with"]),
            unwanted=tuple(row["without"]),
            title=row.get("title") or None,
            authors=_split(row["author"]) if "author" in row else None,
            date=_iso(row.get("date")),
        )
        for row in lines_of(files["gold.jsonl"])
    ]


def wcxb_pages(data: Path) -> list[JudgedPage]:
    """Articles of the wider web: whole bodies and fields."""
    files = tar_members(data / _WCXB)
    pages: list[JudgedPage] = []
    for name in sorted(name for name in files if name.startswith("ground-truth/")):
        row = json.loads(files[name])
        html = files.get(f"html/{Path(name).stem}.html")
        if html is None or row["_internal"]["page_type"]["primary"] != "article":
            continue
        gold = row["ground_truth"]
        pages.append(
            JudgedPage(
                html,
                row["url"],
                body=gold.get("main_content") or None,
                title=gold.get("title") or None,
                authors=_split(gold.get("author")),
                date=_iso(gold.get("publish_date")),
            )
        )
    return pages


def mediacloud_pages(data: Path) -> list[JudgedPage]:
    """htmldate's own pages: dates."""
    files = tar_members(data / _MEDIACLOUD)
    rows = lines_of(files["gold.jsonl"])
    return [JudgedPage(files[row["file"]], row["url"], date=_iso(row["date"])) for row in rows]


def _split(value: str | list[str] | None) -> tuple[str, ...]:
    """The names of a gold that writes them as one text or as several; empty for none."""
    texts = value if isinstance(value, list) else [value or ""]
    return tuple(name for text in texts for part in _BETWEEN.split(text) if (name := part.strip()))


def _iso(value: Any) -> str | None:
    """The date as ISO 8601, or None where there is none or it is no date."""
    if not isinstance(value, str):
        return None
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return None
    return value


def _task(name: str, about: str, file: str, pages: Callable[[Path], list[JudgedPage]], targets: Targets) -> Task:
    def run(data: Path) -> TaskOutcome:
        return measure(pages(data), targets)

    return Task(f"pages-{name}", about, (file,), run)


TASKS: Final = (
    _task("aeb", "bodies, article extraction benchmark", _AEB, aeb_pages, Targets((0.972, 0.978))),
    _task(
        "fundus",
        "bodies and fields, news sites of many countries",
        _FUNDUS,
        fundus_pages,
        Targets((0.955, 0.960), (0.85, 0.90), (0.88, 0.92), (0.975, 0.985), _FALSE_AUTHOR),
    ),
    _task("wcxb", "bodies and fields, articles of the web", _WCXB, wcxb_pages, Targets((0.950, 0.960))),
    _task(
        "trafilatura",
        "bodies and fields, trafilatura's own pages",
        _TRAFILATURA,
        trafilatura_pages,
        Targets((0.920, 0.930), false_author=_FALSE_AUTHOR),
    ),
    _task("mediacloud", "dates, htmldate's own pages", _MEDIACLOUD, mediacloud_pages, Targets()),
)
