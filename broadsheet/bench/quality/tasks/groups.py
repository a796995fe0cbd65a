"""Copies and stories: decisions of the index service on a sequence of articles."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from broadsheet.bench.quality.material import json_lines
from broadsheet.bench.quality.task import Score, Stopwatch, Task, TaskOutcome
from services.enrich.domain.terms.fingerprint import fingerprint
from services.index.domain.grouping import Archive, Decision, decide
from services.index.domain.similarity import Profile, profile_of
from shared.articles import Article

_NEARDUP: Final = "neardup/generated.jsonl.zst"
_ECB: Final = "stories/ecbplus.jsonl.zst"
_BASIL: Final = "stories/basil.jsonl.zst"
_SHUFFLES: Final = 5
_THEN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_LINES: Final = re.compile(r"\n+")


def article_of(row: dict[str, Any]) -> Article:
    """A row of the material as an article: without a title, the first line is one."""
    lines = [line for line in _LINES.split(row["text"]) if line.strip()]
    title = row.get("title") or (lines.pop(0) if len(lines) > 1 else "")
    language = row.get("lang") or "en"
    stamp = row.get("published")
    return Article(
        id=row["id"],
        rev=1,
        slug="x",
        title=title,
        paragraphs=tuple(lines),
        language=language,
        published_at=datetime.fromisoformat(stamp) if stamp else None,
        received_at=_THEN,
        first_received_at=_THEN,
        fingerprint=fingerprint(title, lines, language),
    )


def stream(profiles: Sequence[Profile], watch: Stopwatch) -> tuple[dict[str, Decision], Archive]:
    """Decide on articles in sequence, like the index service; {id: decision} and the final state."""
    archive = Archive()
    decisions: dict[str, Decision] = {}
    for profile in profiles:
        with watch.running():
            archive.note(profile)
            decisions[profile.id] = decide(profile, archive)
            archive.apply(profile, decisions[profile.id])
    return decisions, archive


def _near_duplicates(data: Path) -> TaskOutcome:
    """All originals, then everything else shuffled. A copy is found when both lead to one article."""
    rows = list(json_lines(data / _NEARDUP))
    watch = Stopwatch()
    random.Random(1).shuffle(rows)
    rows.sort(key=lambda row: row["kind"] != "base")
    with watch.running():
        profiles = [profile_of(article_of(row)) for row in rows]
    _, archive = stream(profiles, watch)
    original = {ident: _original(ident, archive) for ident in archive.articles}
    bases = {row["group"]: row["id"] for row in rows if row["kind"] == "base"}
    found, linked, total = Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        if row["group"] in bases and row["kind"] != "base":
            copied = archive.articles[row["id"]].duplicate_of
            together = original[row["id"]] == original[bases[row["group"]]]
            total[row["kind"]] += 1
            linked[row["kind"]] += together
            found[row["kind"]] += together and not (copied is not None and copied.excerpt)
    true = {row["kind"] for row in rows if row["near_dup_of_base"] is True}
    copies = sum(total[kind] for kind in true)
    pairs, merged = _same_story_pairs(rows, original)
    notes = tuple(
        f"{kind}: {found[kind]} merged, {linked[kind] - found[kind]} linked as excerpts, of {total[kind]}"
        for kind in sorted(total)
    )
    scores = (
        Score("recall of true copies", sum(found[kind] for kind in true) / copies, copies, 0.87, 0.995, 0.999),
        Score("same-story pairs merged", merged, pairs, 0, 0, 0, higher_is_better=False),
        Score("teasers linked to the full text", linked["teaser"] / max(1, total["teaser"]), total["teaser"]),
        Score("the same, teasers first", _teasers_first(rows, profiles) / max(1, total["teaser"]), total["teaser"]),
    )
    return TaskOutcome(scores, len(rows), watch.ms_per(len(rows)), notes)


def _original(ident: str, archive: Archive) -> str:
    found = archive.articles[ident].duplicate_of
    return found.article_id if found is not None else ident


def _teasers_first(rows: Sequence[dict[str, Any]], profiles: Sequence[Profile]) -> int:
    """Number of teasers linked to their full text if all teasers are received first."""
    kinds = {row["id"]: (row["kind"], row["group"]) for row in rows if row["kind"] in {"teaser", "base"}}
    chosen = [profile for profile in profiles if profile.id in kinds]
    _, archive = stream(sorted(chosen, key=lambda profile: kinds[profile.id][0] == "base"), Stopwatch())
    bases = {group: _original(ident, archive) for ident, (kind, group) in kinds.items() if kind == "base"}
    return sum(
        _original(ident, archive) == bases.get(group) for ident, (kind, group) in kinds.items() if kind == "teaser"
    )


def _same_story_pairs(rows: Sequence[dict[str, Any]], original: dict[str, str]) -> tuple[int, int]:
    """(Pairs of reports of one event by different outlets, how many of them lead to one article)."""
    groups: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["kind"] == "same_story_other_source":
            groups[row["group"]].append(original[row["id"]])
    pairs = [(a, b) for group in groups.values() for at, a in enumerate(group) for b in group[:at]]
    return len(pairs), sum(a == b for a, b in pairs)


def _stories(name: str, baseline: float, reach: float, aim: float) -> Callable[[Path], TaskOutcome]:
    def measure(data: Path) -> TaskOutcome:
        rows = list(json_lines(data / name))
        watch = Stopwatch()
        with watch.running():
            profiles = [profile_of(article_of(row)) for row in rows]
        gold = {row["id"]: row["story"] for row in rows}
        runs = []
        for seed in range(_SHUFFLES):
            shuffled = random.Random(seed).sample(profiles, len(profiles))
            runs.append(bcubed(_clusters(*stream(shuffled, watch)), gold))
        precision, recall, f1 = (sum(run[at] for run in runs) / _SHUFFLES for at in range(3))
        spread = max(run[2] for run in runs) - min(run[2] for run in runs)
        note = f"{_SHUFFLES} shuffles, precision {precision:.3f}, recall {recall:.3f}, F1 spread {spread:.3f}"
        score = Score("BCubed F1", f1, len(rows), baseline, reach, aim, note=note)
        # each shuffle decides every article once; fingerprints are made once
        return TaskOutcome((score,), len(rows), watch.ms_per(len(rows) * _SHUFFLES), (note,))

    return measure


def _clusters(decisions: dict[str, Decision], archive: Archive) -> dict[str, str]:
    """{article: its cluster in the end}: the story, else that of the original, else the article alone."""
    clusters = {}
    for ident in decisions:
        known = archive.articles[_original(ident, archive)]
        clusters[ident] = known.story or known.profile.id
    return clusters


def bcubed(found: dict[str, str], gold: dict[str, str]) -> tuple[float, float, float]:
    """(Precision, recall, F1) of clusters {item: cluster} against the true ones, by BCubed."""
    sizes, true = Counter(found.values()), Counter(gold.values())
    both = Counter((found[item], gold[item]) for item in gold)
    precision = sum(both[found[item], gold[item]] / sizes[found[item]] for item in gold) / len(gold)
    recall = sum(both[found[item], gold[item]] / true[gold[item]] for item in gold) / len(gold)
    return precision, recall, 2 * precision * recall / (precision + recall)


TASKS: Final = (
    Task("near-duplicates", "copies found, reports of one event kept apart", (_NEARDUP,), _near_duplicates),
    Task(
        "stories-ecb",
        "articles about one event, each topic with two look-alikes",
        (_ECB,),
        _stories(_ECB, 0.875, 0.90, 0.92),
    ),
    Task("stories-basil", "one event by three outlets", (_BASIL,), _stories(_BASIL, 0.957, 0.965, 0.975)),
)
