"""What only Meilisearch can do to us: batches poisoned by one document, cancelled tasks, refusals, restarts."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from shared.search.errors import SearchUnavailable
from shared.search.filters import Eq
from shared.search.meilisearch import MeiliClient, MeiliIndex, admin
from shared.search.port import SearchQuery
from tests.contracts.search_contract import SPEC, article, found, newsroom, put, settled
from tests.support.meilisearch import Meilisearch
from tests.support.tampered import Tampered, listed

pytestmark = pytest.mark.slow


async def test_a_batch_that_fails_is_halved_to_the_one_bad_document(client: Tampered, index: MeiliIndex) -> None:
    client.spoil = lambda body: body.replace(b'"id":"a13",', b'"id":"no primary key",')
    receipt = await index.upsert([article(f"a{n}", f"Report {n}") for n in range(40)], op_id="op")
    outcome = await settled(index, receipt)
    assert (outcome.status, outcome.rejected_ids) == ("rejected", ("a13",))
    assert "document identifier" in outcome.reason
    assert set(await listed(index)) == {f"a{n}" for n in range(40)} - {"a13"}
    assert client.sent[:4] == [40, 20, 10, 10]
    assert await index.outcomes([receipt]) == [outcome]  # asked again: the same answer, nothing sent


@pytest.mark.parametrize("away_at", range(1, 7))
async def test_a_server_that_goes_away_while_a_batch_is_halved_costs_no_part(
    client: Tampered, index: MeiliIndex, away_at: int
) -> None:
    client.spoil = lambda body: body.replace(b'"id":"a13",', b'"id":"no primary key",')
    receipt = await index.upsert([article(f"a{n}", f"Report {n}") for n in range(16)], op_id="op")
    cuts = iter([number == away_at for number in range(1, 7)])
    client.cut = lambda body: next(cuts, False)
    with pytest.raises(SearchUnavailable):
        await settled(index, receipt)
    outcome = await settled(index, receipt)
    assert (outcome.status, outcome.rejected_ids) == ("rejected", ("a13",))
    assert set(await listed(index)) == {f"a{n}" for n in range(16)} - {"a13"}


async def test_a_good_document_is_not_condemned_with_its_neighbours(client: Tampered, index: MeiliIndex) -> None:
    receipt = await index.upsert([article("good", "x")], op_id="op")
    joined = orjson.loads(receipt.token)[1][0]

    def answer(path: str, answer: Any) -> Any:
        for row in answer["results"] if path == "/tasks" else []:
            if row["uid"] == joined:  # as when the server joins it with a task that cannot be done
                row |= {"status": "failed", "error": {"type": "invalid_request", "code": "invalid_vector_dimensions"}}
        return answer

    client.answer = answer
    assert (await settled(index, receipt)).status == "visible"
    assert client.sent == [1, 1]


async def test_a_failure_of_the_index_blames_no_document(client: Tampered, index: MeiliIndex) -> None:
    receipt = await index.upsert([article("a", "x")], op_id="op")

    def answer(path: str, answer: Any) -> Any:
        for row in answer["results"] if path == "/tasks" else []:
            row |= {"status": "failed", "error": {"type": "invalid_request", "code": "index_not_found"}}
        return answer

    client.answer = answer
    outcome = await settled(index, receipt)
    assert (outcome.status, outcome.rejected_ids) == ("lost", ())


async def test_a_bad_document_does_not_undo_what_came_after_it(client: Tampered, index: MeiliIndex) -> None:
    client.spoil = lambda body: body.replace(b'"id":"bad",', b'"id":"no primary key",')
    first = await index.upsert([article("bad", "x"), article("a", "first", rev=1)], op_id="one")
    second = await index.upsert([article("a", "second", rev=2)], op_id="two")
    assert (await settled(index, second)).status == "visible"
    assert (await settled(index, first)).rejected_ids == ("bad",)
    assert await listed(index) == {"a": 2}


async def test_an_older_revision_waits_for_nothing_and_wins_nothing(index: MeiliIndex) -> None:
    receipts = [await index.upsert([article("a", f"rev {rev}", rev=rev)], op_id=str(rev)) for rev in (2, 5, 3, 4)]
    assert [(await settled(index, receipt)).status for receipt in receipts] == ["visible"] * 4
    assert await listed(index) == {"a": 5}


@pytest.mark.parametrize("status", ["canceled", "gone"])
async def test_a_task_that_was_cancelled_or_lost_is_sent_again(
    client: Tampered, index: MeiliIndex, status: str
) -> None:
    client.spoil = lambda body: body.replace(b'"id":"a1",', b'"id":"elsewhere",')
    receipt = await index.upsert([article("a1", "Here")], op_id="op")
    lost = orjson.loads(receipt.token)[1][0]

    def answer(path: str, answer: Any) -> Any:
        rows = answer["results"] if path == "/tasks" else []
        for row in list(rows):
            if row["uid"] == lost and status == "canceled":
                row["status"] = "canceled"
            elif row["uid"] == lost:
                rows.remove(row)
        return answer

    client.answer, client.spoil = answer, lambda body: body
    assert (await settled(index, receipt)).status == "visible"
    assert "a1" in await listed(index)
    assert client.sent == [1, 1]


async def test_a_batch_that_is_never_finished_is_given_back(client: Tampered, index: MeiliIndex) -> None:
    receipt = await index.upsert([article("a1", "Here")], op_id="op")
    client.answer = lambda path, answer: {"results": []} if path == "/tasks" else answer
    assert (await settled(index, receipt)).status == "lost"
    assert len(client.sent) == 6  # it was sent again five times


async def test_receipts_outlive_the_process(client: Tampered, index: MeiliIndex, meilisearch: Meilisearch) -> None:
    bad = article("bad", "x", rev=1 << 70)
    receipt = await index.upsert([article("a", "Here"), bad], op_id="op")
    later = MeiliIndex(MeiliClient(meilisearch.url, meilisearch.key), uid=index._uid, writer=True)
    await later.ensure(SPEC)
    outcome = await settled(later, receipt)
    assert (outcome.status, outcome.rejected_ids) == ("rejected", ("bad",))
    await later.aclose()


async def test_no_search_fails_while_indexes_are_swapped(index: MeiliIndex, meilisearch: Meilisearch) -> None:
    await put(index, *newsroom())
    reader = MeiliIndex(MeiliClient(meilisearch.url, meilisearch.key), uid=index._uid, writer=False)
    searches, over = 0, False

    async def search() -> None:
        nonlocal searches
        while not over:
            page = await reader.search(SearchQuery("ferry", facets=("section",)))
            assert {"ferry", "tunnel"} <= {hit.card.id for hit in page.hits}
            searches += 1

    searching = [asyncio.create_task(search()) for _ in range(3)]
    generations = {(await index.stats()).generation}
    for swap in range(3):
        async with index.reindex(SPEC) as staging:
            await staging.write(newsroom())
            await put(index, article("live", f"Live {swap}", "ferry", rev=swap + 1))
            await staging.promote()
        generations.add((await index.stats()).generation)
    over = True
    await asyncio.gather(*searching)
    await reader.aclose()
    assert len(generations) == 4
    assert searches > 20
    names = [row["uid"] for row in (await index._client.get("/indexes", limit=1000))["results"]]
    assert len([name for name in names if name.startswith(index._uid)]) == 4  # the live one and those of the day


async def test_a_connection_cut_over_a_large_body_costs_only_the_large_document(
    client: Tampered, index: MeiliIndex
) -> None:
    """A server that will not read so much often lets go of the line before its 413 can be read."""
    most = 1_500_000
    client.cut = lambda body: len(body) > most
    docs = [article("a", "x", "ferry " * 90_000), article("large", "x", "ferry " * 300_000), article("b", "y")]
    outcome = await settled(index, await index.upsert(docs, op_id="op"))
    assert (outcome.status, outcome.rejected_ids) == ("rejected", ("large",))
    assert "payload limit" in outcome.reason
    assert set(await listed(index)) == {"a", "b"}


async def test_a_connection_cut_once_costs_no_document(client: Tampered, index: MeiliIndex) -> None:
    cuts = iter([True, True])
    client.cut = lambda body: next(cuts, False)
    receipt = await index.upsert([article("large", "x", "ferry " * 300_000)], op_id="op")
    assert (await settled(index, receipt)).status == "visible"


async def test_a_cut_connection_of_a_small_body_is_an_outage(client: Tampered, index: MeiliIndex) -> None:
    client.cut = lambda body: True
    with pytest.raises(SearchUnavailable):
        await index.upsert([article("a", "x")], op_id="op")
    assert client.sent == [1]


async def test_cheap_settings_are_patched_in_place(client: Tampered, index: MeiliIndex) -> None:
    task = await client.send("PATCH", f"/indexes/{index._uid}/settings", body=b'{"pagination":{"maxTotalHits":5}}')
    await admin.done(client, task)
    assert (await index.ensure(SPEC)).value == "patched"
    assert (await index.ensure(SPEC)).value == "unchanged"


@pytest.mark.chaos
async def test_a_killed_server_keeps_what_it_accepted(own_meilisearch: Meilisearch) -> None:
    index = MeiliIndex(MeiliClient(own_meilisearch.url, own_meilisearch.key), writer=True)
    await index.ensure(SPEC)
    receipts = []
    for kill in range(3):
        for batch in range(5):
            docs = [article(f"b{kill}x{batch}x{n}", "Report", "ferry " * 50) for n in range(20)]
            receipts.append(await index.upsert(docs, op_id=f"{kill}x{batch}"))
        own_meilisearch.kill()
        with pytest.raises(SearchUnavailable):
            await index.search(SearchQuery("ferry"))
        with pytest.raises(SearchUnavailable):
            await index.upsert([article("late", "x")], op_id="late")
        own_meilisearch.start()
    for receipt in receipts:
        assert (await settled(index, receipt)).status == "visible"
    assert set(await listed(index)) >= {doc_id for receipt in receipts for doc_id in receipt.ids}
    assert (await index.search(SearchQuery("ferry", limit=1))).total.value == 300
    await index.aclose()


async def test_values_are_compared_exactly_and_come_back_as_they_were(index: MeiliIndex) -> None:
    sources = ["Köln", "koln", "KOLN", 'a"b\\c', "~x", "ß" * 200, "新聞", "a  b", " a"]
    await put(index, *[article(f"a{n}", "x", source=source) for n, source in enumerate(sources)])
    for number, source in enumerate(sources):
        assert await found(index, filter=Eq("source", source)) == [f"a{number}"], source
    counted = (await index.facets(SearchQuery(), ("source",)))["source"]
    assert counted == dict.fromkeys([source for source in sources if len(source) < 200], 1)
