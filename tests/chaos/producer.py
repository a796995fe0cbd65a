"""A producer that never gives up: it sends each request, under one idempotency key, until it hears that it is kept."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from tests.chaos.ledger import Ack, Ledger

SOURCE = "chaos-gazette"
_VOCABULARY = """
harbour council ferry bridge mayor school tram budget garden museum library festival river storm market bakery
hospital teacher engine windmill orchard railway signal lantern election ballot treaty glacier observatory comet
"""
_WORDS = _VOCABULARY.split()


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to send: an article's version, or a repetition of it under the same or another key."""

    external_id: str
    version: int
    key: str

    def body(self) -> dict[str, object]:
        """Text of its own for each version, the same for a repetition."""
        words = random.Random(f"{self.external_id} {self.version}")
        sentences = [
            " ".join(words.choice(_WORDS) for _ in range(14)).capitalize() + "." for _ in range(words.randint(2, 4))
        ]
        return {
            "source": SOURCE,
            "external_id": self.external_id,
            "title": self.title,
            "text": "\n\n".join(sentences),
            "tags": [words.choice(_WORDS), words.choice(_WORDS)],
            "language": "en",
        }

    @property
    def title(self) -> str:
        return f"Report {self.external_id} version {self.version}"


def plan(articles: int, seed: int) -> list[Request]:
    """What to send, in order. A fifth of the articles are updated once or twice, a tenth sent again with the same key,
    a tenth again with another key; each follow-up comes a good while after what it follows.
    """
    dice = random.Random(seed)
    placed: list[tuple[float, Request]] = []
    for number in range(articles):
        name = f"{seed}-{number}"
        first = Request(name, 1, _key(dice))
        chain = [first]
        lot = dice.random()
        if lot < 0.2:
            chain += [Request(name, version, _key(dice)) for version in range(2, dice.randint(3, 4))]
        elif lot < 0.3:
            chain.append(first)
        elif lot < 0.4:
            chain.append(Request(name, 1, _key(dice)))
        place = float(number)
        for request in chain:
            placed.append((place, request))
            place += dice.uniform(0.03, 0.3) * articles
    return [request for _, request in sorted(placed, key=lambda item: item[0])]


def _key(dice: random.Random) -> str:
    return f"{dice.getrandbits(128):032x}"


class Producer:
    """Sends requests over a few connections and writes down every acknowledgement."""

    def __init__(self, base_url: str, api_key: str, ledger: Ledger, *, lanes: int = 12) -> None:
        self.ledger = ledger
        self.refusals: list[str] = []
        self._lanes = lanes
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._base_url = base_url

    async def send(self, requests: Sequence[Request], *, seconds: float, give_up_after: float) -> None:
        """Send everything at an even pace, what concerns one article in order. Fails when it takes too long."""
        started = time.monotonic()
        waiting = iter(enumerate(requests))
        in_order: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

        async def lane() -> None:
            limits = httpx.Limits(max_connections=1)
            async with httpx.AsyncClient(base_url=self._base_url, headers=self._headers, limits=limits) as http:
                for number, request in waiting:
                    due = started + seconds * number / len(requests)
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                    async with in_order[request.external_id]:
                        await self._until_kept(http, request)

        async with asyncio.timeout(give_up_after):
            await asyncio.gather(*(lane() for _ in range(self._lanes)))

    async def _until_kept(self, http: httpx.AsyncClient, request: Request) -> None:
        pause = 0.05
        while True:
            try:
                response = await http.post(
                    "/v1/articles", json=request.body(), headers={"Idempotency-Key": request.key}, timeout=12.0
                )
            except httpx.HTTPError:
                response = None
            if response is not None and response.is_success:
                answer = response.json()
                self.ledger.add(Ack(request.external_id, answer["id"], answer["rev"], answer["status"], request.title))
                return
            if response is not None and response.status_code not in {429, 500, 502, 503, 504}:
                self.refusals.append(f"{response.status_code} {response.text[:200]}")
                return
            if response is not None and response.status_code == 500:
                self.refusals.append(f"500 {response.text[:200]}")
            self.ledger.retries += 1
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, 1.0)
