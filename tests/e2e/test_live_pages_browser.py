"""Open pages in a real browser follow the event stream, without a reload and without anything jumping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.articles import Tag
from shared.events import Publication, Withdrawal
from tests.support.announcing import log, publication, withdrawal
from tests.support.builders import wait_until
from tests.support.chromium import opened
from tests.support.event_stream import Subscriber
from tests.support.fakes import FakeSearchIndex
from tests.support.serving import new_app, publish, running
from tests.support.valkey import Valkey

pytestmark = [pytest.mark.browser, pytest.mark.redis, pytest.mark.slow, pytest.mark.timeout(240)]

JUST_IN = "[...document.querySelectorAll('.just-in li')].map((row) => row.querySelector('a')?.textContent)"
BELOW = "document.querySelector('.front').getBoundingClientRect().top"


async def test_a_new_article_appears_on_the_open_front_page(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    index = FakeSearchIndex()
    await publish(redis_client, index, title="The first")
    attack = "<img src=x onerror=\"document.title='pwned'\">"
    async with running(new_app(valkey.url, index)) as url, opened(f"{url}/", tmp_path) as page:
        assert await page.ask(JUST_IN) == ["The first"], "the server has filled it: no script is needed"
        below = await page.ask(f"window.same = 1, {BELOW}")
        for number in range(4):
            await publish(redis_client, index, external_id=f"n{number}", title=f"News {number} {attack}")
        newest = [f"News {number} {attack}" for number in (3, 2, 1)]
        await wait_until(lambda: _equal(page, JUST_IN, newest), timeout=60, what="the new articles")
        await log(redis_client, publication(kind=Publication.UPDATED, title="The first, again", rev=2))
        title = "document.querySelector('.lead h2').textContent"
        await wait_until(lambda: _equal(page, title, "The first, again"), timeout=60, what="the new title")
        await log(redis_client, withdrawal(external_id="n3", kind=Withdrawal.TYPE))
        row = "document.querySelector('.just-in li').textContent"
        await wait_until(lambda: _equal(page, row, "This article was taken back"), timeout=60, what="the withdrawal")
        assert await page.ask(f"[window.same, {BELOW}]") == [1, below], "no reload, and nothing below has moved"
        assert await page.ask("document.title") == "Broadsheet"
        assert await page.ask("document.querySelectorAll('img').length") == 0
        assert page.problems == []


async def test_a_page_that_is_refused_a_stream_polls(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    index = FakeSearchIndex()
    await publish(redis_client, index, title="The first")
    app = new_app(valkey.url, index, sse_per_ip=1)
    async with running(app) as url, Subscriber(url):
        await wait_until(lambda: app.state.services.connection_limiter.open == 1)
        async with opened(f"{url}/", tmp_path) as page:
            for number in (2, 3):
                await publish(redis_client, index, external_id=f"n{number}", title=f"News {number}")
                shown = [f"News {number}" for number in range(number, 1, -1)] + ["The first"]
                await wait_until(lambda shown=shown: _equal(page, JUST_IN, shown), timeout=60, what="the new article")
            assert app.state.services.connection_limiter.open == 1


async def test_the_open_article_is_corrected_in_place(valkey: Valkey, redis_client: Any, tmp_path: Path) -> None:
    index = FakeSearchIndex()
    text = tuple(f"Paragraph {number} of a long report. " * 12 for number in range(30))
    article, _ = await publish(redis_client, index, paragraphs=text)
    path = f"/articles/{article.id}/{article.slug}"
    async with running(new_app(valkey.url, index)) as url, opened(f"{url}{path}", tmp_path) as page:
        assert await page.ask("JSON.parse(document.querySelector('[type=\"application/ld+json\"]').text)['@type']") == (
            "NewsArticle"
        )
        await page.ask("window.same = 1")
        await page.ask("(window.held = document.querySelectorAll('.body p')[20]).scrollIntoView()")
        before = await page.ask("window.held.getBoundingClientRect().top")
        new = (*text[:3], "A paragraph that was not there.", "And another one. " * 40, *text[4:])
        await publish(
            redis_client, index, rev=2, title="The council votes", paragraphs=new, correction="It was Wednesday."
        )
        heading = "document.querySelector('.story h1').textContent"
        await wait_until(lambda: _equal(page, heading, "The council votes"), timeout=60, what="the new title")
        shown = await page.ask("[...document.querySelectorAll('.body p')].map((one) => one.textContent)")
        assert shown == list(new)
        assert await page.ask("document.querySelectorAll('.body .changed').length") == 2
        assert "It was Wednesday." in await page.ask("document.querySelector('.correction').textContent")
        assert await page.ask("document.querySelector('.fresh').textContent") == "Corrected: It was Wednesday."
        where = f"Math.abs(window.held.getBoundingClientRect().top - {before}) < 2"
        await wait_until(lambda: page.ask(where), timeout=20, what="the paragraph at its place")
        assert await page.ask("window.same") == 1, "no reload"
        await log(redis_client, withdrawal(reason="It was <b>invented</b>.", rev=3))
        await wait_until(
            lambda: _equal(page, heading, "This article was taken back"), timeout=60, what="the retraction"
        )
        assert await page.ask("document.querySelector('.story p').textContent") == "It was <b>invented</b>."
        assert text[0] not in await page.ask("document.body.textContent")
        assert page.problems == []


async def _equal(page: Any, expression: str, wanted: object) -> bool:
    return await page.ask(expression) == wanted


async def test_escape_closes_the_suggestions_and_keeps_the_text(
    valkey: Valkey, redis_client: Any, tmp_path: Path
) -> None:
    index = FakeSearchIndex()
    await publish(redis_client, index, title="Harbour council votes", tags=(Tag(slug="harbour", label="The Harbour"),))
    async with running(new_app(valkey.url, index)) as url, opened(f"{url}/", tmp_path) as page:
        await page.ask("document.querySelector('input[data-suggest]').focus()")
        await page.type("harb")
        shown = "[...document.querySelectorAll('.suggestions li a')].map((row) => row.firstChild.textContent)"
        wanted = ["Harbour council votes", "Harbour"]
        await wait_until(lambda: _equal(page, shown, wanted), timeout=30, what="the suggestions")
        is_open = "!document.querySelector('.suggestions').hidden"
        value = "document.querySelector('input[data-suggest]').value"
        for _ in range(2):  # also where nothing is open, where a browser would clear the field
            await page.press("Escape", 27)
            assert await page.ask(f"[{is_open}, {value}]") == [False, "harb"]
        assert page.problems == []
