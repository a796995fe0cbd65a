"""The bad-input catalogue, rows J (JSON articles) and H (HTTP envelope) that an ASGI client can send.

Every row: a clear 4xx (or an acceptance where the input is odd but good), problem+json under 4 KB that repeats nothing,
within a second, and the next good article goes through. What needs a real socket is in test_ingest_server.py.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest

from tests.support.effort import at_most
from tests.support.ingest_http import HTML, JSON, NDJSON, TEXT, open_ingest
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis

GOOD = {"source": "gazette", "id": "1", "text": "The ferry is back."}
MIB = 1024 * 1024


def article(**fields: Any) -> bytes:
    return orjson.dumps({**GOOD, **fields})


def raw(title: str) -> bytes:
    """An article whose title (or whole tail) is this JSON text."""
    return b'{"text":"The ferry is back.","title":' + title.encode() + b"}"


@dataclass(frozen=True)
class Row:
    id: str
    body: bytes
    fault: str | None = "body"
    status: int = 400
    headers: dict[str, str] = field(default_factory=lambda: JSON)
    params: dict[str, str] = field(default_factory=dict)


JSON_ROWS = [
    Row("J01-empty", b""),
    Row("J02-null", b"null"),
    Row("J03-list", b"[]"),
    Row("J04-truncated", b'{"text":"The fer'),
    Row("J05-trailing", article() + b"x"),
    Row("J06-utf16", article().decode().encode("utf-16")),
    Row("J07-bom", b"\xef\xbb\xbf" + article(), None, 202),
    Row("J08-invalid-utf8", b'{"text":"\xff\xfe"}'),
    Row("J09-surrogate-in-title", raw('"\\ud800"')),
    Row("J10-surrogate-in-nested-key", raw('{"\\udfff":1}')),
    Row("J11-nul", raw('"a\\u0000b"'), "title"),
    Row("J12-controls", raw('"a\\u0007\\u009bb"'), None, 202),
    Row("J12-controls-in-source", article(source="a\x07"), "source"),
    Row("J13-nan", raw("NaN")),
    Row("J14-infinity", raw("Infinity")),
    Row("J14-1e999", raw("1e999"), None),
    Row("J15-5000-digits", raw("1" * 5000), None),
    Row("J16-4000-digits", raw("1" * 4000), None),
    Row("J17-minus-zero", raw("-0"), "title"),
    Row("J17-1e-400", raw("1e-400"), "title"),
    Row("J18-100k-nesting", raw("[" * 100_000 + "]" * 100_000)),
    Row("J19-900-nesting", raw("[" * 900 + "]" * 900)),
    Row("J20-duplicate-keys", b'{"text":"a","title":"b","text":"c"}'),
    Row("J21-proto", article(__proto__={"x": 1}), "__proto__"),
    Row("J21-constructor", article(constructor="x"), "constructor"),
    Row("J22-many-keys", b'{"text":"a"' + b"".join(b',"%d":1' % n for n in range(90_000)) + b"}"),
    Row("J22-500k-keys", b'{"text":"a"' + b"".join(b',"%d":1' % n for n in range(500_000)) + b"}", None, 413),
    Row("J23-1m-tags", b'{"text":"a","tags":[' + b'"",' * MIB + b'""]}', None, 413),
    Row("J23-201-tags", article(tags=["a"] * 201), "tags"),
    Row("J24-200k-wrong-tags", article(tags=[1] * 200_000), "tags"),
    Row("J24-200k-null-tags", b'{"text":"a","tags":[' + b"null," * 199_999 + b"null]}", "tags"),
    Row("J25-50mb-title", raw('"' + "x" * 50 * MIB + '"'), None, 413),
    Row("J26-spaces", article(title="   "), "title"),
    Row("J26-zwsp", article(title="\u200b\u200b"), "title"),
    Row("J27-rtl-override", article(title="abc\u202edef"), None, 202),
    Row("J28-combining", article(title="e" + "\u0301" * 10_000), "title"),
    Row("J28-combining-short", article(title="e" + "\u0301" * 500), "title"),
    Row("J29-homoglyph-source", article(source="g\u0430zette"), None, 202),
    Row("J30-zwj-chain", article(title="👩\u200d" * 1500), "title"),
    Row("J31-id-with-slash", article(id="a/b:c"), None, 202),
    Row("J31-id-with-newline", article(id="a\nb"), "id"),
    Row("J32-id-512-bytes", article(id="x" * 512), None, 202),
    Row("J32-id-513-bytes", article(id="x" * 513), "id"),
    Row("J34-version-negative", article(version=-1), "version"),
    Row("J35-version-2^63", article(version=2**63), "version"),
    Row("J35-version-float", raw("1").replace(b"title", b"version").replace(b":1", b":1.5"), "version"),
    Row("J37-year-0000", article(published_at="0000-01-01T00:00:00Z"), "published_at"),
    Row("J37-year-9999", article(published_at="9999-12-31T23:59:59-12:00"), "published_at"),
    Row("J37-year-100000", article(published_at="+100000-01-01T00:00:00Z"), "published_at"),
    Row("J38-30-feb", article(published_at="2024-02-30"), "published_at"),
    Row("J39-leap-second", article(published_at="2016-12-31T23:59:60Z"), None, 202),
    Row("J40-offset", article(published_at="2024-01-01T00:00:00+25:00"), "published_at"),
    Row("J41-ten-years-ahead", article(published_at=f"{time.gmtime().tm_year + 10}-01-01"), "published_at"),
    Row("J42-language", article(language='xx-"><script>'), "language"),
    Row("J43-javascript-url", article(url="javascript:alert(1)"), "url"),
    Row("J44-url-10kb", article(url="https://example.org/" + "a" * 10_240), "url"),
    Row("J44-url-userinfo", article(url="https://a:b@example.org/"), "url"),
    Row("J45-private-use-markers", article(title="a\ue000b\ue001c"), None, 202),
    Row("JX-no-body", orjson.dumps({"title": "x"}), "text"),
    Row("JX-two-bodies", article(html="<p>x</p>"), "text"),
    Row("JX-empty-text", article(text=" \u200b\n"), "text"),
    Row("JX-text-type", article(text=["x"]), "text"),
    Row("JX-empty-paragraphs", orjson.dumps({"paragraphs": ["", " "]}), "paragraphs"),
    Row("JX-paragraphs-type", orjson.dumps({"paragraphs": ["a", 1]}), "paragraphs"),
    Row("JX-param-with-json", article(), "title", params={"title": "x"}),
    Row("JX-id-without-source", orjson.dumps({"text": "a", "id": "1"}), "source"),
]

ENVELOPE_ROWS = [
    Row("H18-gzip-bomb", gzip.compress(bytes(20 * MIB)), "Content-Encoding", 415, JSON | {"content-encoding": "gzip"}),
    Row("H19-nested-gzip", b"x", "Content-Encoding", 415, JSON | {"content-encoding": "gzip, gzip, gzip, gzip, gzip"}),
    Row("H20-br", b"x", "Content-Encoding", 415, TEXT | {"content-encoding": "br"}),
    Row("H20-zstd", b"x", "Content-Encoding", 415, HTML | {"content-encoding": "zstd"}),
    Row("H20-unknown", b"x", "Content-Encoding", 415, TEXT | {"content-encoding": "x-snappy"}),
    Row("H20-bulk-gzip", b"x", "Content-Encoding", 415, NDJSON | {"content-encoding": "gzip"}),
    Row("H20-identity", b"Hello there.", None, 202, TEXT | {"content-encoding": "identity"}),
    Row("H21-utf7", b"+AGE-", "Content-Type", 415, {"content-type": "text/plain; charset=utf-7"}),
    Row("H21-json-utf16", article(), None, 415, {"content-type": "application/json; charset=utf-16"}),
    Row("HX-no-type", b"x", "Content-Type", 415, {}),
    Row("HX-multipart", b"x", "Content-Type", 415, {"content-type": "multipart/form-data; boundary=x"}),
    Row("H23-override", article(), None, 202, JSON | {"x-http-method-override": "DELETE"}),
    Row("H24-forwarded", article(), None, 202, JSON | {"x-forwarded-for": "127.0.0.1"}),
    Row("H25-host", article(), None, 202, JSON | {"host": "evil.example"}),
    Row("H07-100kb-header", article(), None, 431, JSON | {"x-long": "a" * 100_000}),
    Row("H08-500-headers", article(), None, 431, JSON | {f"x-{n}": "a" for n in range(500)}),
    Row("H09-60kb-url", b"x", None, 414, TEXT, {"title": "x" * 60_000}),
    Row("H10-two-framings", article(), None, 400, JSON | {"content-length": "9", "transfer-encoding": "chunked"}),
    Row("H28-long-key", article(), "Idempotency-Key", 400, JSON | {"idempotency-key": "k" * 256}),
    Row("H28-1mb-key", article(), None, 431, JSON | {"idempotency-key": "k" * MIB}),
    Row("H28-spaced-key", article(), "Idempotency-Key", 400, JSON | {"idempotency-key": "a b"}),
    Row("H28-empty-key", article(), "Idempotency-Key", 400, JSON | {"idempotency-key": ""}),
    Row("H02-key-in-query", b"x", "api_key", 400, TEXT, {"api_key": "bsk_x"}),
]

PAGE_ROWS = [
    Row("P-empty", b"", "body", 400, TEXT),
    Row("P-blank", b" \n\t\r\n ", "body", 400, TEXT),
    Row("P-invisible", "\u200b\ufeff".encode(), "body", 400, TEXT),
    Row("X23-nul", b"a\x00b", "body", 400, TEXT),
    Row("X24-png-as-text", b"\x89PNG\r\n\x1a\n\x00\x00", "body", 415, TEXT),
    Row("X24-png-as-html", b"\x89PNG\r\n\x1a\n\x00\x00", "body", 415, HTML),
    Row("X25-pdf", b"%PDF-1.7\n1 0 obj", "body", 415, TEXT),
    Row("X21-charset-lie", "Fährt".encode("cp1252"), None, 202, TEXT),
    Row("P-declared", "Fährt".encode("cp1252"), None, 202, {"content-type": "text/plain; charset=windows-1252"}),
    Row("X26-cr-only", b"Ferry\rreturns\rtoday", None, 202, TEXT),
    Row("X18-long-word", b"x" * (MIB - 1), None, 202, TEXT),
    Row("P-text-over", b"x" * (MIB + 1), None, 413, TEXT),
    Row("P-html-5mb", b"<p>" + b"x" * (5 * MIB - 3), None, 202, HTML),
    Row("P-html-over", b"x" * (5 * MIB + 1), None, 413, HTML),
    Row("X17-5mb-of-lt", b"<" * (5 * MIB), None, 202, HTML),
    Row("P-html-empty", b" ", "body", 400, HTML),
    Row("P-unknown-parameter", b"Hello.", "titel", 400, TEXT, {"titel": "x"}),
    Row("P-bad-language", b"Hello.", "language", 400, TEXT, {"language": "<b>"}),
    Row("P-bad-url", b"Hello.", "url", 400, HTML, {"url": "file:///etc/passwd"}),
    Row("X30-templates", b"{{7*7}} ${jndi:ldap://x}", None, 202, TEXT),
]


@pytest.mark.parametrize("row", [*JSON_ROWS, *ENVELOPE_ROWS, *PAGE_ROWS], ids=lambda row: row.id)
async def test_catalogue(valkey: Valkey, redis_client: Any, row: Row) -> None:
    path = "/v1/articles/bulk" if row.headers.get("content-type") == NDJSON["content-type"] else "/v1/articles"
    async with open_ingest(valkey.url) as client:
        with at_most(1):
            response = await client.post(path, content=row.body, headers=row.headers, params=row.params)
        assert response.status_code == row.status, response.text[:300]
        assert response.headers["x-content-type-options"] == "nosniff"
        if row.status >= 400:
            check_problem(response, row)
        following = await client.post("/v1/articles", json={"text": "The next good article."})
        assert following.status_code == 202


def check_problem(response: httpx.Response, row: Row) -> None:
    assert response.headers["content-type"] == "application/problem+json"
    assert len(response.content) < 4096
    problem = response.json()
    assert problem["status"] == row.status
    assert problem["detail"]
    assert len(problem.get("errors", [])) <= 10
    if row.fault is not None:
        assert row.fault in {error["field"] for error in problem.get("errors", [])}
    for secret in ("script", "alert", "passwd", "xxxxxxxx", "bsk_", "11111111"):
        assert secret not in response.text


async def test_j24_costs_next_to_nothing(valkey: Valkey, redis_client: Any) -> None:
    body = article(tags=[1] * 200_000)
    async with open_ingest(valkey.url) as client:
        await client.post("/v1/articles", content=article(), headers=JSON)
        took = []
        for _ in range(3):
            began = time.process_time()
            response = await client.post("/v1/articles", content=body, headers=JSON)
            took.append(time.process_time() - began)
            assert response.status_code == 400
        assert min(took) < 0.05


async def test_j36_lower_version_is_409(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        assert (await client.post("/v1/articles", json=GOOD | {"version": 5})).status_code == 202
        stale = await client.post("/v1/articles", json=GOOD | {"version": 4, "text": "Older."})
        assert (stale.status_code, stale.headers["content-type"]) == (409, "application/problem+json")
        assert (await client.post("/v1/articles", json=GOOD | {"version": 6, "text": "Newer."})).json()["rev"] == 2


async def test_j47_delete_is_not_offered(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        response = await client.delete("/v1/articles/abc")
        assert response.status_code in {404, 405}
        assert response.headers["content-type"] == "application/problem+json"


async def test_j48_a_thousand_parallel_posts_make_one_revision(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        responses = await asyncio.gather(*(client.post("/v1/articles", json=GOOD) for _ in range(1000)))
        assert {response.json()["rev"] for response in responses} == {1}
        assert sorted({response.status_code for response in responses}) == [200, 202]
        assert sum(response.status_code == 202 for response in responses) == 1
    assert await redis_client.xlen("{p0}:article.received.v1") == 1


@pytest.mark.parametrize("method", ["TRACE", "PUT", "PATCH", "GET", "DELETE", "FOO"])
async def test_h22_other_methods_are_405(valkey: Valkey, redis_client: Any, method: str) -> None:
    async with open_ingest(valkey.url) as client:
        response = await client.request(method, "/v1/articles")
        assert (response.status_code, response.headers["allow"]) == (405, "POST")
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/articles/", "/v1/%00", "/v1/..%2fetc", "/docs", "/openapi.json"])
async def test_h26_other_paths_are_404(valkey: Valkey, redis_client: Any, path: str) -> None:
    async with open_ingest(valkey.url) as client:
        response = await client.get(path)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"
        assert len(response.content) < 4096
