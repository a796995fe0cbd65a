"""An article is found by the label and the language that it shows, wherever a tag or a language can be named."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from services.enrich.domain.tags import normalise
from services.serve.app import create_app
from shared.search import open_index
from shared.search.port import IndexSpec
from shared.settings import BaseServiceSettings
from shared.store import Credentials
from tests.support.builders import index_doc, wait_until
from tests.support.event_stream import Subscriber
from tests.support.fetching import http, origin
from tests.support.notifying import notifying
from tests.support.serving import asgi, publish, running, serve_settings
from tests.support.valkey import Valkey

pytestmark = [pytest.mark.redis, pytest.mark.timeout(120)]

LABELS = [
    "Café Culture", "R&D", "São Paulo", "Women's Rights", "Women’s Rights", "iPhone", "C++", "#WorldNews", "AC/DC",
    "Washington, D.C.", "European Central Bank (ECB)", "Türkiye", "BlackLivesMatter", "हिन्दी", "ประเทศไทย", "東京",
]  # fmt: skip


def quoted(value: str) -> str:
    return '"' + value.replace('"', '\\"') + '"'


@asynccontextmanager
async def published(valkey: Valkey, client: Any, directory: Path, articles: list[dict[str, Any]]) -> AsyncIterator[Any]:
    """The settings of a serve on an embedded index that holds these articles, and the cards."""
    where = f"embedded:{directory}"
    writer = open_index(BaseServiceSettings(BROADSHEET_INDEX_URL=where), writer=True)
    try:
        await writer.ensure(IndexSpec())
        made = [(await publish(client, **fields))[0] for fields in articles]
        receipt = await writer.upsert([index_doc(article) for article in made], op_id="fill")

        async def visible() -> bool:
            (outcome,) = await writer.outcomes([receipt])
            return outcome.status == "visible"

        await wait_until(visible, what="the batch to be visible")
    finally:
        await writer.aclose()
    yield serve_settings(valkey.url, BROADSHEET_INDEX_URL=where)


async def ids(api: httpx.AsyncClient, path: str, **params: str) -> set[str]:
    answer = await api.get(path, params=params)
    assert answer.status_code == 200, (path, params, answer.text)
    return {one["id"] for one in answer.json()["response"]["results"]}


async def test_an_article_is_found_by_the_label_it_shows(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    fields = [
        {"external_id": f"t{number}", "title": f"Piece {number}", "tags": normalise([label, f"other {number}"])}
        for number, label in enumerate(LABELS)
    ]
    fields.append({"external_id": "none", "title": "Of nothing", "tags": ()})
    async with published(valkey, redis_client, tmp_path, fields) as settings, asgi(create_app(settings)) as api:
        key, _ = await Credentials(redis_client).create("desk", frozenset({"subscribe"}))
        cards = (await api.get("/v1/search", params={"page-size": "200"})).json()["response"]["results"]
        by_title = {card["title"]: card for card in cards}
        for number, label in enumerate(LABELS):
            card = by_title[f"Piece {number}"]
            shown = card["tags"][0]["label"]
            wanted = {one["id"] for one in cards if card["tags"][0]["slug"] in {tag["slug"] for tag in one["tags"]}}
            assert card["id"] in wanted
            for name in {label, shown, card["tags"][0]["slug"]}:
                assert await ids(api, "/v1/search", tag=quoted(name)) == wanted, name
                if "," not in name:
                    assert await ids(api, "/v1/search", tag=name) == wanted, name
                for match in ("forgiving", "strict"):
                    assert await ids(api, "/v1/search", q=f"tag:{quoted(name)}", match=match) == wanted, name
                path = quote(name, safe="")
                assert await ids(api, f"/v1/streams/{path}") == wanted, name
                assert f"Piece {number}" in (await api.get(f"/streams/{path}")).text
                feed = await api.get(f"/feeds/streams/{path}.json")
                assert f"Piece {number}" in {item["title"] for item in feed.json()["items"]}, name
                found = await api.get("/feeds/search.json", params={"q": f"tag:{quoted(name)}"})
                assert f"Piece {number}" in {item["title"] for item in found.json()["items"]}, name
                for filters in ({"tag": quoted(name)}, {"q": f"tag:{quoted(name)}"}, {"topic": f"/v1/streams/{path}"}):
                    batch = await api.get(
                        "/v1/events",
                        params=filters | {"since": "earliest"},
                        headers={"accept": "application/cloudevents-batch+json"},
                    )
                    assert {event["subject"] for event in batch.json()} == wanted, (name, filters)
                saved = await api.post(
                    "/v1/subscriptions", json={"q": f"tag:{quoted(name)}"}, headers={"authorization": f"Bearer {key}"}
                )
                one = saved.json()["response"]["subscription"]
                matched = await api.get(
                    f"/feeds/subscriptions/{one['id']}.json", headers={"authorization": f"Bearer {key}"}
                )
                assert f"Piece {number}" in {item["title"] for item in matched.json()["items"]}, name
                await api.delete(one["links"]["self"], headers={"authorization": f"Bearer {key}"})


async def test_live_streams_and_webhooks_go_by_the_same_label(
    valkey: Valkey, redis_client: Any, tmp_path: Path
) -> None:
    async with (
        notifying(redis_client) as notify,
        origin(lambda _: http("200 OK")) as hook,
        running(create_app(serve_settings(valkey.url, BROADSHEET_INDEX_URL=f"embedded:{tmp_path}"))) as url,
        Subscriber(url, params={"tag": "R&D|São Paulo"}) as live,
        Subscriber(url, params={"lang": "PT"}) as portuguese,
    ):
        await wait_until(lambda: live.parser.events and portuguese.parser.events)
        await notify.subscribe(hook.url("/label"), 'tag:"São Paulo" lang:PT')
        await notify.subscribe(hook.url("/other"), "tag:sao -lang:pt")
        first, _ = await publish(redis_client, external_id="a", tags=normalise(["São Paulo"]), language="pt-BR")
        second, _ = await publish(redis_client, external_id="b", tags=normalise(["R&D"]), language="en")
        third, _ = await publish(redis_client, external_id="c", tags=normalise(["Sport"]), language="pt-PT")
        await notify.read()
        await notify.send()
        await wait_until(lambda: len(live.ids) == 2 and len(portuguese.ids) == 2)
        assert [json.loads(event.data)["subject"] for event in live.parser.events[1:]] == [first.id, second.id]
        assert [json.loads(event.data)["subject"] for event in portuguese.parser.events[1:]] == [first.id, third.id]
        assert [(one.path, json.loads(one.body)["subject"]) for one in hook.asked] == [("/label", first.id)]


async def test_a_language_is_found_in_any_case_and_by_its_primary(
    valkey: Valkey, redis_client: Any, tmp_path: Path
) -> None:
    languages = ["en", "en-GB", "pt", "pt-BR", "pt-PT", "zh-Hant-TW", "und"]
    fields = [{"external_id": tag, "title": f"In {tag}", "language": tag} for tag in languages]
    async with published(valkey, redis_client, tmp_path, fields) as settings, asgi(create_app(settings)) as api:

        async def titles(path: str, **params: str) -> set[str]:
            results = (await api.get(path, params=params)).json()["response"]["results"]
            return {one["title"].removeprefix("In ") for one in results}

        for asked, wanted in {
            "EN": {"en", "en-GB"},
            "eng": {"en", "en-GB"},
            "pt": {"pt", "pt-BR", "pt-PT"},
            "PT-br": {"pt-BR"},
            "pt_BR": {"pt-BR"},
            "zh-hant": {"zh-Hant-TW"},
            "fr": set(),
        }.items():
            assert await titles("/v1/search", lang=asked) == wanted, asked
            assert await titles("/v1/search", q=f"lang:{asked}") == wanted, asked
            assert await titles("/v1/search", q=f"lang:{asked}", match="strict") == wanted, asked
            batch = await api.get(
                "/v1/events",
                params={"lang": asked, "since": "earliest"},
                headers={"accept": "application/cloudevents-batch+json"},
            )
            events = batch.json() if batch.status_code == 200 else []
            assert {event["data"]["language"] for event in events} == wanted, asked
        assert await titles("/v1/search", lang="-pt") == set(languages) - {"pt", "pt-BR", "pt-PT"}
        facets = (await api.get("/v1/search", params={"show-facets": "language"})).json()["response"]["facets"]
        assert set(facets["language"]) == set(languages)
        assert (await api.get("/v1/search", params={"lang": "not a language"})).status_code == 400
