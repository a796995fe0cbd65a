"""Reads annotated pages with the product's reader and with trafilatura, and scores both by the same rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from trafilatura import bare_extraction, extract

from broadsheet.bench.quality.scoring import exact, f1, same_names, share, shingle_f1, shingle_shares, snippet_counts
from broadsheet.bench.quality.task import Score, Stopwatch, TaskOutcome
from services.enrich.adapters.parser_child import ODD_DATE_PAGE
from services.enrich.domain.html import page as html_page
from services.enrich.domain.reading import UNREAD
from shared.errors import Permanent
from shared.sandbox.template import settle

_WARM: Final = 3
"""Warm-up pages: one-time initialisation is not measured."""


@dataclass(frozen=True, slots=True)
class JudgedPage:
    """A page with its annotations; None if not annotated, empty if annotated as absent."""

    data: bytes
    url: str | None
    body: str | None = None
    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    title: str | None = None
    authors: tuple[str, ...] | None = None
    date: str | None = None
    """ISO 8601, a day or an instant."""


@dataclass(frozen=True, slots=True)
class Read:
    """Result of a reader."""

    text: str = ""
    title: str = ""
    authors: tuple[str, ...] = ()
    published_at: datetime | str | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """(reach, aim) per score of one set; absent without a target."""

    body: tuple[float, float] | None = None
    title: tuple[float, float] | None = None
    authors: tuple[float, float] | None = None
    date: tuple[float, float] | None = None
    false_author: tuple[float, float] | None = None


def product(page: JudgedPage) -> Read:
    """The reader of the enrich service; a rejected page has an empty result."""
    try:
        reading = html_page.read(page.data, "text/html", page.url)
    except Permanent:
        reading = UNREAD
    return Read("\n".join(reading.paragraphs), reading.title, reading.authors, reading.published_at)


def trafilatura(page: JudgedPage) -> Read:
    """trafilatura with default options and metadata."""
    found: Any = bare_extraction(page.data, url=page.url, with_metadata=True, include_comments=False)
    if found is None:
        return Read()
    names = tuple(name.strip() for name in (found.author or "").split(";") if name.strip())
    return Read(found.text or "", found.title or "", names, found.date)


def measure(pages: Sequence[JudgedPage], targets: Targets) -> TaskOutcome:
    """Read all pages with both, and score."""
    mine, theirs, (watch, other, bare) = _run_all(pages)
    scores = [
        score
        for found in (_body(pages, mine, theirs, targets), _fields(pages, mine, theirs, targets))
        for score in found
    ]
    ratio = watch.seconds / bare.seconds if bare.seconds else 0.0
    cost = Score("CPU / trafilatura's, text only", ratio, len(pages), 1.0, 1.5, 1.3, False, pool="page CPU ratio")
    product_ms, fields_ms, text_ms = (clock.ms_per(len(pages)) for clock in (watch, other, bare))
    note = f"CPU ms a page: product {product_ms:.1f}, trafilatura {text_ms:.1f}, with its metadata {fields_ms:.1f}"
    return TaskOutcome((*scores, cost), len(pages), watch.ms_per(len(pages)), (note,))


def _run_all(pages: Sequence[JudgedPage]) -> tuple[list[Read], list[Read], tuple[Stopwatch, Stopwatch, Stopwatch]]:
    """Results of both readers, and CPU time of the product, of trafilatura, and of trafilatura for text only.

    Alternating page by page, so that load of the machine affects all equally.
    """
    for page in (*pages[:_WARM], JudgedPage(ODD_DATE_PAGE, None)):
        product(page)
        trafilatura(page)
        _text_only(page)
    settle()  # as in the product's parser processes; all readers benefit
    mine: list[Read] = []
    theirs: list[Read] = []
    watch, other, bare = Stopwatch(), Stopwatch(), Stopwatch()
    runs: list[tuple[Stopwatch, Callable[[JudgedPage], None]]] = [
        (watch, lambda page: mine.append(product(page))),
        (other, lambda page: theirs.append(trafilatura(page))),
        (bare, _text_only),
    ]
    for number, page in enumerate(pages):
        for place in range(len(runs)):
            # The order alternates, because the second reader benefits from warm caches.
            clock, read = runs[(number + place) % len(runs)]
            with clock.running():
                read(page)
    return mine, theirs, (watch, other, bare)


def _text_only(page: JudgedPage) -> None:
    """The call whose CPU and F1 the project's targets were measured on."""
    extract(page.data, include_comments=False)


def _body(pages: Sequence[JudgedPage], mine: list[Read], theirs: list[Read], targets: Targets) -> list[Score]:
    scores: list[Score] = []
    reach, aim = targets.body or (None, None)
    judged = [number for number, page in enumerate(pages) if page.body is not None]
    if judged:
        own, base = (
            shingle_f1([shingle_shares(pages[number].body or "", reads[number].text) for number in judged])
            for reads in (mine, theirs)
        )
        names = ("body shingle F1", "body precision", "body recall")
        scores += [Score(name, own[place], len(judged), base[place], measured=True) for place, name in enumerate(names)]
        scores[0] = replace(scores[0], reach=reach, aim=aim)
    snippets = [number for number, page in enumerate(pages) if page.wanted or page.unwanted]
    if snippets:
        own_f1, base_f1 = (
            _snippet_f1([(pages[number], reads[number]) for number in snippets]) for reads in (mine, theirs)
        )
        scores.append(Score("body snippet F1", own_f1, len(snippets), base_f1, reach, aim, measured=True))
    return scores


def _snippet_f1(judged: Sequence[tuple[JudgedPage, Read]]) -> float:
    counts = [snippet_counts(page.wanted, page.unwanted, read.text) for page, read in judged]
    hits, false, missed = (sum(column) for column in zip(*counts, strict=True))
    return f1(hits, false, missed)


def _fields(pages: Sequence[JudgedPage], mine: list[Read], theirs: list[Read], targets: Targets) -> list[Score]:
    unsigned = [page.authors if page.authors == () else None for page in pages]
    signed = [page.authors or None for page in pages]
    titles = _both([page.title for page in pages], mine, theirs, lambda wanted, read: exact(wanted, read.title))
    names = _both(signed, mine, theirs, lambda wanted, read: same_names(wanted, read.authors))
    days = _both([page.date for page in pages], mine, theirs, _same_day)
    invented = _both(unsigned, mine, theirs, lambda _, read: bool(read.authors))
    scores = [
        _shares("title exact", titles, targets.title),
        _shares("authors exact", names, targets.authors),
        _shares("date same day", days, targets.date),
    ]
    false_author = replace(_shares("false author", invented, targets.false_author), higher_is_better=False)
    if targets.false_author:
        false_author = replace(false_author, pool="false author")
    return [score for score in (*scores, false_author) if score.n]


def _shares(name: str, flags: tuple[list[bool], list[bool]], goals: tuple[float, float] | None) -> Score:
    own, base = flags
    reach, aim = goals or (None, None)
    return Score(name, share(own), len(own), share(base), reach, aim, measured=True)


def _both(
    wanted: Sequence[Any], mine: list[Read], theirs: list[Read], judge: Callable[[Any, Read], bool]
) -> tuple[list[bool], list[bool]]:
    places = [number for number, value in enumerate(wanted) if value is not None]
    return (
        [judge(wanted[number], mine[number]) for number in places],
        [judge(wanted[number], theirs[number]) for number in places],
    )


def _same_day(wanted: str, read: Read) -> bool:
    """Whether the days are equal: of the instant if both have time and zone, else as written."""
    found = read.published_at
    if found is None:
        return False
    gold = datetime.fromisoformat(wanted)
    got = datetime.fromisoformat(found) if isinstance(found, str) else found
    if gold.tzinfo is not None and got.tzinfo is not None:
        return gold.date() == got.astimezone(gold.tzinfo).date()
    return gold.date() == got.date()
