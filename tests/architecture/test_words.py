"""Names and prose use the field's terms: replaced words do not come back, and a class name has one meaning."""

from __future__ import annotations

import ast
import re
from collections import defaultdict

import pytest

from tests.architecture.source import ROOT, product_files

# replaced word -> standard term
REPLACED = {
    r"wish(es)?": "SubscriptionMatcher, StreamRequest, WebSubRequest, StateChange",
    r"bur(y|ies|ied|ying|ial|ials)": "dead-letter",
    r"furniture": "boilerplate",
    r"leash": "parent-death signal",
    r"in hand": "in flight",
    r"nobody's fault": "not an error",
    r"the dearest": "the most expensive",
    r"block company": "block context",
    r"births": "created_at",
    r"wishes\.loaded|index\.cannot_ask|hub\.denial-not-heard|redis\.away|redis\.back": "the names of log_events",
    r"worker\.cut-off|webhook\.sealed": "the names of log_events",
    r"TakenBatch(es)?": "SubmittedBatch",
    r"DeadLettersLie|WorkStandsStill|NothingIsRead": "DeadLettersPresent, ConsumerStalled, ConsumerNotReading",
    r"signs? of life": "heartbeat",
    r"lesser match(es)?": "typo match, ranks lower",
    r"telling (terms?|words?)": "significant terms",
    r"taken back|takes? (it|them|articles) back": "withdrawn, retracted, removed",
    r"(bulk|every|the public) door|at the door": "endpoint, input, by ingest",
    r"anew": "again, rebuild, retrain",
    r"pages that people have judged|people have judged": "annotated pages",
    r"(goes|go) on meanwhile": "stays available, continues",
    r"waits? out its lease|gives? it back by doing nothing": "the lease expires",
    r"what it said last|what a feed says": "last fetched content",
    r"the least that": "minimum",
}
# Words that are right in one place: the word as a whole, and why.
ALLOWED = {
    "services/enrich/domain/authors/": "lists of words that bylines hold",
    "services/enrich/domain/names/": "lists of words that names hold",
    "services/enrich/domain/terms/": "lists of words",
    "services/enrich/domain/language/": "lists of words",
    "services/enrich/domain/text/": "lists of words that pages show",
    "broadsheet/samples/": "articles",
    "docs/adr/": "decisions stay as they were written",
    "CHANGELOG.md": "what earlier versions said",
    "shared/settings.py": "the alias of a renamed setting",
    "shared/store/webhooks/websub.py": "a stored field",
}
MOST_SHARED_NAMES = 8
ENGINES = re.compile(r"^shared/search/(meilisearch|embedded)/")  # twins are named alike on purpose


def is_text(name: str) -> bool:
    """Not a list of words, nor something that Python compiled."""
    return not name.startswith(tuple(ALLOWED)) and "__pycache__" not in name


def texts() -> list[tuple[str, str]]:
    """(path, text) of everything that a reader of the product sees."""
    paths = [
        *product_files(),
        *(ROOT / "docs").rglob("*.md"),
        *ROOT.glob("*.md"),
        *(ROOT / "services").glob("*/README.md"),
        *(ROOT / "infra").rglob("*.*"),
        ROOT / "docker-compose.yml",
    ]
    named = [(str(path.relative_to(ROOT)), path) for path in paths if path.is_file()]
    return [(name, path.read_text("utf-8")) for name, path in named if is_text(name)]


@pytest.mark.parametrize("word", REPLACED)
def test_a_replaced_word_does_not_come_back(word: str) -> None:
    pattern = re.compile(rf"(?<![A-Za-z])(?:{word})(?![A-Za-z])", re.IGNORECASE)
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line.replace("_", " "))
    ]
    assert found == [], f"use instead: {REPLACED[word]}"


def test_a_class_name_has_one_meaning() -> None:
    """Names of several modules are confusing. The engines' twins are named alike on purpose."""
    places: dict[str, set[str]] = defaultdict(set)
    for path in product_files():
        name = str(path.relative_to(ROOT))
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].add(
                    ENGINES.sub("shared/search/ENGINE/", name).rpartition("/")[0] if ENGINES.match(name) else name
                )
    several = {name: sorted(found) for name, found in places.items() if len(found) > 1}
    assert len(several) <= MOST_SHARED_NAMES, several
