"""Read this first. One page goes through Broadsheet: six steps, one test for each, nothing faked.

    accept ─► enrich ─► index ─► search ─► stream        and, for what cannot be processed, the dead letters

Four real processes, a real Valkey and the real search engine run behind these tests. Each test sends a page of its own,
so they can be read and run in any order.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from httpx_sse import aconnect_sse

from shared.broker.dead_letters import DeadLetters
from shared.search import open_index
from shared.search.port import SearchQuery
from shared.settings import BaseServiceSettings
from shared.store import open_store
from shared.topology import ARTICLE_RECEIVED
from tests.support.builders import wait_until
from tests.tour.stack import Stack

pytestmark = [pytest.mark.redis, pytest.mark.timeout(120)]  # the first test starts the stack: 5 s on a quiet machine

PAGE = """\
Night market opens below the {place} viaduct

Forty stalls, no cars, and a stage made of pallets

The first night market of {place} opened on Friday below the railway viaduct, where lorries used to park. \
Forty stalls sell soup, bread and second-hand bicycles until midnight.

The town closed the street to cars for the summer. \
Shopkeepers who had feared the quiet now keep their doors open late.

Tags: #Markets #CityNews
"""


async def post(stack: Stack, place: str, *, expect: int = 202) -> dict[str, Any]:
    """Send the page about a place, the way any producer would."""
    async with stack.producer as http:
        answer = await http.post(
            "/v1/articles",
            params={"source": "lindmouth-courier", "id": f"market-{place}"},
            content=PAGE.format(place=place),
            headers={"Content-Type": "text/plain"},
        )
    assert answer.status_code == expect, answer.text
    accepted: dict[str, Any] = answer.json()
    return accepted


async def search(stack: Stack, words: str) -> list[str]:
    """The ids that a reader's search finds."""
    async with stack.reader as http:
        # the pages of this tour are near-copies of each other, and search hides those unless it is asked not to
        answer = await http.get("/v1/search", params={"q": words, "duplicates": "all"})
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["response"]["results"]]


async def test_1_accepting_a_page_makes_it_durable_and_a_retry_makes_no_twin(stack: Stack, client: Any) -> None:
    first = await post(stack, "Alderwick")
    again = await post(stack, "Alderwick", expect=200)

    assert (first["status"], first["rev"]) == ("accepted", 1)
    assert (again["status"], again["id"], again["rev"]) == ("unchanged", first["id"], 1)
    (original,) = await open_store(client).originals([first["id"]])
    assert original.data.decode() == PAGE.format(place="Alderwick")


async def test_2_enriching_turns_the_page_into_an_article_and_says_how(stack: Stack, client: Any) -> None:
    store = open_store(client)
    accepted = await post(stack, "Brackenford")

    async def enriched() -> Any:
        return (await store.articles([accepted["id"]]))[0]

    article = await wait_until(enriched)
    assert article.title == "Night market opens below the Brackenford viaduct"
    assert article.dek == "Forty stalls, no cars, and a stage made of pallets"
    assert len(article.paragraphs) == 2
    assert {tag.slug for tag in article.tags} == {"markets", "city-news"}
    assert article.language == "en"
    provenance = await store.provenance(accepted["id"])
    assert provenance is not None
    assert len(provenance.steps) > 5


async def test_3_indexing_makes_it_findable_before_it_is_announced(stack: Stack, client: Any) -> None:
    store = open_store(client)
    accepted = await post(stack, "Coldharbour")

    async def announced() -> Any:
        (record,) = await store.records([accepted["id"]])
        return record is not None and record.published_rev == 1

    await wait_until(announced)
    settings = BaseServiceSettings(BROADSHEET_INDEX_URL=stack.index_url)  # type: ignore[call-arg]
    index = open_index(settings, writer=False)
    page = await index.search(SearchQuery(text="coldharbour"))
    await index.aclose()
    assert [hit.card.id for hit in page.hits] == [accepted["id"]]


async def test_4_searching_forgives_a_typo_but_not_a_misspelt_parameter(stack: Stack) -> None:
    accepted = await post(stack, "Dunmere")

    await wait_until(lambda: search(stack, "dunmere viaduct"))
    assert await search(stack, "dunmere viadukt") == [accepted["id"]]
    assert await search(stack, "dunm") == [accepted["id"]]
    async with stack.reader as http:
        refused = await http.get("/v1/search", params={"querry": "dunmere"})
    assert refused.status_code == 400
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["field"] == "querry"


async def test_5_following_the_log_misses_nothing_and_resumes_where_it_was(stack: Stack) -> None:
    words = {(await post(stack, word))["id"]: word.lower() for word in ("Elmstead", "Farrowdale")}

    async def follow(last_event_id: str, wanted: set[str]) -> tuple[str, list[str]]:
        """(cursor, article ids) from after `last_event_id` until one of the wanted articles came by."""
        seen: list[str] = []
        async with (
            stack.reader as http,
            aconnect_sse(http, "GET", "/v1/events", headers={"Last-Event-ID": last_event_id}) as source,
        ):
            async for event in source.aiter_sse():
                if event.event == "message":
                    seen.append(json.loads(event.data)["subject"])
                    if seen[-1] in wanted:
                        return event.id, seen
        raise AssertionError("the stream ended")

    # articles are enriched at the same time, so either may be announced first
    cursor, from_the_beginning = await follow("0-0", set(words))
    first = from_the_beginning[-1]
    assert first in await search(stack, words[first])  # announced means searchable
    _, afterwards = await follow(cursor, set(words) - {first})
    assert not set(afterwards) & set(from_the_beginning)


async def test_6_what_cannot_be_processed_becomes_a_dead_letter_and_its_neighbours_go_on(
    stack: Stack, client: Any
) -> None:
    letters = DeadLetters(client)
    await client.xadd(ARTICLE_RECEIVED.key, {"__data__": b"\xffnot an event"})
    neighbour = await post(stack, "Gorsefield")

    (dead,) = await wait_until(lambda: letters.list(ARTICLE_RECEIVED))
    assert dead.rule == "malformed-entry"
    await wait_until(lambda: search(stack, "gorsefield"))
    assert await search(stack, "gorsefield") == [neighbour["id"]]
    assert await letters.drop(ARTICLE_RECEIVED, dead.dead_id, "a test wrote it")
    assert await letters.list(ARTICLE_RECEIVED) == []


@pytest.mark.parametrize("service", ["ingest", "enrich", "index", "serve", "notify"])
async def test_and_every_service_says_that_it_is_ready(stack: Stack, service: str) -> None:
    import httpx

    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{stack.ports[service]}/readyz")
    assert answer.status_code == 200, answer.text
