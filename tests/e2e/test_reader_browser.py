"""The reader pages in a real browser: hostile text stays text."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from shared.articles import Tag, Teaser
from tests.support.fakes import FakeSearchIndex
from tests.support.serving import new_app, publish, running
from tests.support.valkey import Valkey

pytestmark = [pytest.mark.browser, pytest.mark.redis, pytest.mark.timeout(180)]

ATTACKS = (
    "<script>document.title='pwned'</script>",
    "<img src=x onerror=\"document.title='pwned'\">",
    "<svg onload=document.title='pwned'>",
    "<math><mtext><table><mglyph><style><img src=x onerror=document.title='pwned'>",
    "</p></article></main><iframe srcdoc=\"<script>parent.document.title='pwned'</script>\"></iframe>",
    "<meta http-equiv=refresh content='0;url=javascript:document.title=1'>",
    "<base href=https://evil.example/><form action=https://evil.example/><input name=x>",
    '" autofocus onfocus="document.title=\'pwned\'" x="',
    "'-document.title='pwned'-'",
    "{{7*7}}{% raw %}${jndi:ldap://evil.example/x}",
    "<!--<noscript><p title=\"</noscript><img src=x onerror=document.title='pwned'>\">",
    "</title><script>document.title='pwned'</script>",
    "javascript:document.title='pwned'",
    "\u202e\u0000<b>\ud7ff",
)


@pytest.fixture
def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on PATH: the reader pages were NOT checked in a browser")


def options(program: str, profile: Path) -> list[str]:
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars"
    )
    return [program, *flags.split(), f"--user-data-dir={profile}"]


async def dom(program: str, profile: Path, url: str) -> str:
    """The page as the browser has it after its scripts ran."""
    # no virtual time: it stands still while an event stream is open
    command = [*options(program, profile), "--timeout=2000", "--dump-dom", url]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    return output.decode("utf-8", "replace")


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_inert(page: str) -> None:
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    assert title is not None
    assert title[1].strip() not in {"pwned", "1"}
    for tag, attributes in Elements(page).found:
        assert tag not in {"iframe", "svg", "math", "img", "base", "object", "embed", "style"}, (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        if tag == "script":
            data = attributes == {"type": "application/ld+json"}  # no script: browsers never run it
            assert data or attributes.get("src") in {"/static/reader.js", "/static/live.js"}
        if tag == "meta":
            assert "http-equiv" not in attributes
        if tag == "form":
            assert attributes["action"] == "/search"
        for name in ("href", "src", "action"):
            value = attributes.get(name) or "/"
            assert value.startswith(("/", "https://gazette.example/", "https://news.example/", "#")), (tag, name, value)


async def test_hostile_articles_are_inert(chromium: str, tmp_path: Path, valkey: Valkey, redis_client: Any) -> None:
    index = FakeSearchIndex()
    attack = " ".join(ATTACKS)
    article, _ = await publish(
        redis_client,
        index,
        title=f"Ferry {attack}",
        dek=attack,
        paragraphs=ATTACKS,
        summary=f"ferry {attack}",
        tags=(Tag(slug="\"><script>document.title='pwned'<", label=attack), Tag(slug="plain", label=attack)),
        source=attack,
        section=attack,
        authors=ATTACKS,
        url="javascript:document.title='pwned'",
        recommended=tuple(Teaser(title=text, text=text, url=text) for text in ATTACKS[:6]),
    )
    paths = ["/", f"/articles/{article.id}/{article.slug}", "/search?q=ferry", "/streams/plain"]
    paths += ["/search?q=%3Cscript%3Edocument.title%3D%27pwned%27%3C/script%3E", "/streams/%3Cscript%3E"]
    async with running(new_app(valkey.url, index, public_url="https://news.example")) as url:
        for number, path in enumerate(paths):
            page = await dom(chromium, tmp_path / str(number), url + path)
            assert "masthead" in page, path
            assert_inert(page)
        story = await dom(chromium, tmp_path / "story", f"{url}/articles/{article.id}/{article.slug}")
        assert "&lt;script&gt;" in story
        assert "{{7*7}}" in story


def test_the_check_itself_sees_an_attack() -> None:
    page = "<html><head><title>x</title></head><body>{}</body></html>"
    assert_inert(page.format("<p>fine</p>"))
    for bad in ("<img src=x>", "<p onclick=x>", "<a href='javascript:x'>", "<script>x</script>", "<iframe></iframe>"):
        with pytest.raises(AssertionError):
            assert_inert(page.format(bad))
    with pytest.raises(AssertionError):
        assert_inert("<title>pwned</title>")


async def test_scripts_run_under_the_policy(chromium: str, tmp_path: Path, valkey: Valkey, redis_client: Any) -> None:
    """The search box becomes a combobox: our own script is let through, and styles apply."""
    async with running(new_app(valkey.url)) as url:
        page = await dom(chromium, tmp_path, f"{url}/search")
    assert 'role="combobox"' in page
    assert 'role="listbox"' in page
