"""Stories over ASGI, on a real store: their articles, their old ids, and where articles name them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.articles import ArticleState, Duplicate
from shared.store.articles.group_records import Grouping, StoryMove, StoryRecord
from shared.store.articles.groups import ArticleGroups
from tests.support.announcing import log, withdrawal
from tests.support.builders import NOON
from tests.support.fakes import FakeSearchIndex
from tests.support.feed_rules import assert_atom
from tests.support.serving import publish, set_state

pytestmark = pytest.mark.redis
STORY, OLD = "b" * 26, "c" * 26
NOBODY = "a" * 26


async def decide(client: Any, ident: str, story: StoryRecord | None, **fields: Any) -> None:
    groups = ArticleGroups(client)
    state, *_ = await groups.read_state([])
    values: dict[str, Any] = {
        "state": state,
        "article_id": ident,
        "rev": 1,
        "story": story,
        "in_story": story is not None,
        "duplicate_of": None,
        "move": None,
        "why": {"compared": 3, "nearest": 0.71},
        "probes": ("tferry",),
        "terms": ("ferry",),
    }
    assert await groups.commit([Grouping(**(values | fields))]) == [True]


async def test_a_story_shows_its_articles_newest_first_and_each_names_it(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    first, _ = await publish(redis_client, index)
    second, _ = await publish(redis_client, index, external_id="b", published_at=NOON + timedelta(hours=-1))
    at = int(NOON.timestamp())
    members = {second.id: at - 3600, first.id: at}
    await decide(redis_client, second.id, StoryRecord(STORY, members, 1), move=StoryMove(STORY, moved=(first.id,)))
    answer = await api.get(f"/v1/stories/{STORY}")
    story = answer.json()["response"]
    assert [item["id"] for item in story["results"]] == [first.id, second.id]
    assert (story["total"], story["lead"]["id"], story["title"]) == (2, second.id, second.title)
    again = await api.get(f"/v1/stories/{STORY}", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    for ident in (first.id, second.id):
        found = await api.get(f"/v1/articles/{ident}")
        assert found.json()["response"]["content"]["links"]["story"] == f"/v1/stories/{STORY}"
        assert f'</v1/stories/{STORY}>; rel="collection"' in found.headers["link"]


async def test_a_merged_story_redirects_to_the_one_that_is_there(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    first, _ = await publish(redis_client, index)
    second, _ = await publish(redis_client, index, external_id="b")
    at = int(NOON.timestamp())
    await decide(redis_client, first.id, StoryRecord(OLD, {first.id: at}, 2))
    await decide(
        redis_client,
        second.id,
        StoryRecord(STORY, {first.id: at, second.id: at}, 1),
        move=StoryMove(STORY, merged=(OLD,), moved=(first.id,)),
    )
    moved = await api.get(f"/v1/stories/{OLD}?page-size=1")
    assert (moved.status_code, moved.headers["location"]) == (301, f"/v1/stories/{STORY}?page-size=1")
    answer = (await api.get(moved.headers["location"])).json()["response"]
    assert (answer["total"], len(answer["results"])) == (2, 1)


@pytest.mark.parametrize("ident", [NOBODY, "x", "%F0%9F%98%80", "A" * 26, "..%2Fetc"])
async def test_what_is_no_story_is_a_404(api: httpx.AsyncClient, ident: str) -> None:
    answer = await api.get(f"/v1/stories/{ident}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_a_story_whose_articles_were_taken_back_is_a_404(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    article, _ = await publish(redis_client, index)
    await decide(redis_client, article.id, StoryRecord(STORY, {article.id: int(NOON.timestamp())}, 1))
    await set_state(redis_client, article.id, ArticleState.RETRACTED)
    assert (await api.get(f"/v1/stories/{STORY}")).status_code == 404


async def test_the_trace_shows_what_was_decided_and_how_near_it_was(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    article, _ = await publish(redis_client, index)
    assert (await api.get(f"/v1/articles/{article.id}/trace")).json()["response"]["groups"] is None
    copied = Duplicate(article_id=NOBODY, score=0.91)
    await decide(redis_client, article.id, None, duplicate_of=copied)
    groups = (await api.get(f"/v1/articles/{article.id}/trace")).json()["response"]["groups"]
    assert groups["duplicate_of"] == {"article_id": NOBODY, "score": 0.91, "excerpt": False}
    assert groups["why"] == {"compared": 3, "nearest": 0.71}
    content = (await api.get(f"/v1/articles/{article.id}")).json()["response"]["content"]
    assert content["duplicate_of"] == NOBODY


async def test_the_page_and_the_feeds_of_a_story(
    api: httpx.AsyncClient, redis_client: Any, index: FakeSearchIndex
) -> None:
    """The feed asks the index, which knows the story of each article; a merged story redirects everywhere."""
    first, _ = await publish(redis_client, index, story_id=STORY, title="Ferry <one>")
    second, _ = await publish(
        redis_client, index, external_id="b", story_id=STORY, published_at=NOON + timedelta(hours=-1)
    )
    at = int(NOON.timestamp())
    members = {second.id: at - 3600, first.id: at}
    await decide(redis_client, first.id, StoryRecord(OLD, {first.id: at}, 2))
    merged = StoryMove(STORY, moved=(first.id,), merged=(OLD,))
    await decide(redis_client, second.id, StoryRecord(STORY, members, 1), move=merged)
    page = await api.get(f"/stories/{STORY}")
    assert page.status_code == 200
    assert "Ferry &lt;one&gt;" in page.text
    assert "2 articles" in page.text
    assert f'href="/feeds/stories/{STORY}.atom"' in page.text
    feed = assert_atom((await api.get(f"/feeds/stories/{STORY}.atom")).content)
    names = {"a": "http://www.w3.org/2005/Atom", "at": "http://purl.org/atompub/tombstones/1.0"}
    assert len(feed.findall("a:entry", names)) == 2
    related = feed.xpath("a:entry/a:link[@rel='related']/@href", namespaces=names)
    assert set(related) == {f"http://127.0.0.1:8000/stories/{STORY}"}
    for path in ("/stories/{}", "/feeds/stories/{}.rss"):
        moved = await api.get(path.format(OLD))
        assert (moved.status_code, moved.headers["location"]) == (301, path.format(STORY))
    assert f'href="/stories/{STORY}"' in (await api.get(f"/articles/{first.id}/{first.slug}")).text
    assert (await api.get(f"/stories/{NOBODY}", headers={"accept": "text/html"})).status_code == 404
    await set_state(redis_client, first.id, ArticleState.RETRACTED)
    await index.delete([(first.id, 1)], op_id="gone")
    await log(redis_client, withdrawal())
    feed = assert_atom((await api.get(f"/feeds/stories/{STORY}.atom")).content)
    assert len(feed.findall("at:deleted-entry", names)) == 1
    assert "Ferry" not in (await api.get(f"/stories/{STORY}")).text
