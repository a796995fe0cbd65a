"""Latency and CPU of searches, through our API and of the bare engine, alternating in one run."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any, Final
from urllib.parse import urlencode

import orjson
import tantivy

from broadsheet.bench.costs import cpu_ms
from broadsheet.bench.search.engines import BenchServer
from broadsheet.bench.search.material import Question
from shared.search.port import SearchIndex, SearchQuery

PAGE: Final = 10
ROUNDS: Final = 2
REPLAYED: Final = ", engine replayed"
"""Suffix of timings with replayed engine responses; they are fast, so they run more rounds."""
REPLAYED_ROUNDS: Final = 12
OURS: Final = "our API"
RAW: Final = "raw Meilisearch"
PROXY: Final = "bare proxy"
"""FastAPI, aiohttp and orjson alone: `broadsheet.bench.search.proxy`."""
_CLIENT_SECONDS: Final = 1_800
_FIELDS: Final = ("title", "dek", "summary", "body", "tags", "keyphrases", "authors")


@dataclass(frozen=True, slots=True)
class Timing:
    """One measured path: latencies in ms, CPU ms per request of client and service."""

    name: str
    requests: int
    p50: float
    p99: float
    client_cpu_ms: float
    service_cpu_ms: float
    failed: int = 0


def over_http(
    services: Mapping[str, tuple[str, int]], server: BenchServer | None, texts: Sequence[str], *, kind: str = ""
) -> list[Timing]:
    """Services by their names, each with its address and pid, and beside them the same searches sent to Meilisearch by
    a thin client; `kind` ends the names."""
    asked = {f"{name}{kind}": service for name, service in services.items()}
    targets: dict[str, Any] = {
        name: {"headers": {}, "requests": [api_request(url, text) for text in texts]}
        for name, (url, _) in asked.items()
    }
    if server is not None:
        headers = server.headers | {"Content-Type": "application/json"}
        targets[f"{RAW}{kind}"] = {"headers": headers, "requests": [raw_request(server, text) for text in texts]}
    _client({"rounds": 1, "targets": targets})  # opens connections, warms caches and code
    before = {name: cpu_ms(pid) for name, (_, pid) in asked.items()}
    answers = _client({"rounds": REPLAYED_ROUNDS if kind == REPLAYED else ROUNDS, "targets": targets})
    used = {name: cpu_ms(pid) - before[name] for name, (_, pid) in asked.items()}
    return [
        _timing(name, answer["ms"], answer["cpu_ms"], used.get(name, 0.0), answer["failed"])
        for name, answer in answers.items()
    ]


def api_request(serve_url: str, text: str) -> list[Any]:
    """The request of an API client."""
    return ["GET", f"{serve_url}/v1/search?{urlencode({'q': text, 'page-size': PAGE})}", None]


def raw_request(server: BenchServer, text: str) -> list[Any]:
    """The equivalent engine request, written by hand: same words, filter, page, highlights and crops."""
    body = {
        "q": text,
        "limit": PAGE,
        "filter": 'kind = "article" AND NOT k_duplicate_of EXISTS',
        "matchingStrategy": "last",
        "attributesToRetrieve": ["card"],
        "showRankingScore": True,
        "attributesToHighlight": ["title", "dek", "summary", "body"],
        "attributesToCrop": ["summary", "body"],
        "cropLength": 35,
        "highlightPreTag": "\ue000",
        "highlightPostTag": "\ue001",
    }
    return ["POST", f"{server.url}/indexes/articles/search", body]


def _client(job: dict[str, Any]) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-m", "broadsheet.bench.search.client"],
        input=orjson.dumps(job),
        stdout=subprocess.PIPE,
        timeout=_CLIENT_SECONDS,
        check=True,
    )
    answer: dict[str, Any] = orjson.loads(ran.stdout)
    return answer


async def in_process(index: SearchIndex, bare: tantivy.Index, texts: Sequence[str]) -> list[Timing]:
    """The embedded engine through our port, and bare tantivy with the same words, in this process."""
    searcher = bare.searcher()
    timings = []
    for name in ("our port", "raw tantivy"):
        took: list[float] = []
        cpu = 0.0
        for number in range(ROUNDS + 1):
            took, before = [], time.process_time()
            for text in texts:
                began = time.perf_counter()
                if name == "our port":
                    await index.search(SearchQuery(text, limit=PAGE))
                else:
                    _bare_search(bare, searcher, text)
                took.append((time.perf_counter() - began) * 1000)
            cpu = (time.process_time() - before) * 1000
            if not number:
                continue  # the first round warms the files
        timings.append(_timing(name, took, 0.0, cpu, 0))
    return timings


def _bare_search(bare: tantivy.Index, searcher: tantivy.Searcher, text: str) -> list[Any]:
    """A minimal search: all words required, in any field; no typos, prefixes or tiers."""
    words = "".join(char if char.isalnum() else " " for char in text)
    query, _ = bare.parse_query_lenient(words, list(_FIELDS), conjunction_by_default=True)
    hits = searcher.search(query, limit=PAGE).hits
    return [orjson.loads(bytes(searcher.doc(at)["card"][0])) for _, at in hits]


async def answered(
    index: SearchIndex, questions: Sequence[Question], show: Callable[[int], object]
) -> dict[str, tuple[int, float, float]]:
    """Per kind of query: (number, MRR@10, recall@10)."""
    ranks: dict[str, list[int]] = {}
    for number, question in enumerate(questions):
        hits = (await index.search(SearchQuery(question.text, limit=PAGE))).hits
        rank = next((at for at, hit in enumerate(hits, 1) if hit.card.id in question.relevant), 0)
        ranks.setdefault(question.kind, []).append(rank)
        show(number)
    return {
        kind: (len(found), sum(1 / rank for rank in found if rank) / len(found), sum(map(bool, found)) / len(found))
        for kind, found in sorted(ranks.items())
    }


def _timing(name: str, took: Sequence[float], client: float, service: float, failed: int) -> Timing:
    cuts = quantiles(took, n=100, method="inclusive")
    count = len(took)
    return Timing(name, count, cuts[49], cuts[98], client / count, service / count, failed)
