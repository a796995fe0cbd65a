"""Bulk uploads, catalogue rows B: one verdict per line, the rest goes on, memory stays flat. B01-B16 by name."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from shared.envelope import decode
from shared.events import ArticleReceived
from shared.topology import ARTICLE_RECEIVED
from tests.support.effort import at_most
from tests.support.ingest_http import NDJSON, open_ingest, verdicts
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis

PATH = "/v1/articles/bulk"
MIB = 1024 * 1024


def line(n: int, text: str = "The ferry is back.", **fields: Any) -> bytes:
    return orjson.dumps({"source": "gazette", "id": str(n), "text": text, **fields}) + b"\n"


async def upload(
    client: httpx.AsyncClient, content: Any, **headers: str
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    response = await client.post(PATH, content=content, headers=NDJSON | headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/x-ndjson")
    return verdicts(response)


async def accepted_ids(client: Any) -> list[tuple[str, int]]:
    rows = await client.xrange(ARTICLE_RECEIVED.key)
    refs = [ArticleReceived.from_json(decode(fields)[1]).article for _, fields in rows]
    return [(ref.article_id, ref.rev) for ref in refs]


async def test_every_line_gets_its_verdict_in_order(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        rows, summary = await upload(client, b"".join(line(n) for n in range(120)))
    assert [row["line"] for row in rows] == list(range(1, 121))
    assert {row["status"] for row in rows} == {"accepted"}
    assert [(row["id"], row["rev"]) for row in rows] == await accepted_ids(redis_client)
    assert summary == {
        "lines": 120,
        "blank": 0,
        "accepted": 120,
        "unchanged": 0,
        "replayed": 0,
        "stale": 0,
        "rejected": 0,
        "failed": 0,
        "unavailable": 0,
        "complete": True,
    }


SMALL = {
    "B03-last-line-cut": (line(1) + line(2)[:-10], ["accepted", "rejected"]),
    "B03-no-last-newline": (line(1) + line(2)[:-1], ["accepted", "accepted"]),
    "B04-crlf": (line(1)[:-1] + b"\r\n" + line(2)[:-1] + b"\r\n", ["accepted", "accepted"]),
    "B04-lone-cr": (line(1)[:-1] + b"\r" + line(2), ["rejected"]),
    "B05-bad-line-in-the-middle": (line(1) + b"{oops\n" + line(2), ["accepted", "rejected", "accepted"]),
    "B06-mixed-encodings": (
        line(1) + '{"text":"é"}\n'.encode("cp1252") + '{"text":"é"}\n'.encode("utf-16") + b"\n" + line(2),
        ["accepted", "rejected", "rejected", "rejected", "accepted"],
    ),
    "B08-create-and-delete": (line(1) + b'{"source":"gazette","id":"1","delete":true}\n', ["accepted", "rejected"]),
    "B09-array": (b"[" + line(1)[:-1] + b"," + line(2)[:-1] + b"]", ["rejected"]),
    "B09-array-over-lines": (
        b"[\n" + line(1)[:-1] + b",\n" + line(2) + b"]\n",
        ["rejected"] * 2 + ["accepted", "rejected"],
    ),
    "B14-deep-line": (line(1) + b'{"text":' + b"[" * 100_000 + b"\n" + line(2), ["accepted", "rejected", "accepted"]),
    "B15-csv": (b"id,title,text\n1,Ferry,It is back\n", ["rejected", "rejected"]),
    "B16-formula": (line(1, title="=cmd|'/c calc'!A1"), ["accepted"]),
    "BX-stale": (line(1, version=5) + line(1, "Older.", version=4), ["accepted", "stale"]),
    "BX-same-content": (line(1) * 3, ["accepted", "unchanged", "unchanged"]),
    "BX-nothing": (b"", []),
}


@pytest.mark.parametrize(("content", "statuses"), SMALL.values(), ids=SMALL.keys())
async def test_small_files(valkey: Valkey, redis_client: Any, content: bytes, statuses: list[str]) -> None:
    async with open_ingest(valkey.url) as client:
        with at_most(1):
            rows, summary = await upload(client, content)
        assert [row["status"] for row in rows] == statuses
        assert summary["complete"]
        for row in rows:
            assert ("errors" in row) == (row["status"] in {"rejected", "stale"})
            assert all(error["field"] and error["detail"] for error in row.get("errors", []))
        following, _ = await upload(client, line(99))
        assert following[0]["status"] == "accepted"


async def test_b05_the_verdict_names_line_and_field(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        rows, _ = await upload(client, line(1) + b"\n" + line(2, language="<script>") + line(3))
    assert [row["line"] for row in rows] == [1, 3, 4]
    assert rows[1]["errors"] == [{"field": "language", "detail": "must be a BCP 47 tag such as en or pt-BR"}]


async def test_b07_the_same_id_twice_is_two_revisions_in_order(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url) as client:
        rows, _ = await upload(client, line(1, "First.") + line(2) + line(1, "Second."))
    assert [row["rev"] for row in rows] == [1, 1, 2]
    assert rows[0]["id"] == rows[2]["id"]
    assert await accepted_ids(redis_client) == [(row["id"], row["rev"]) for row in rows]


async def test_b12_a_file_sent_again_changes_nothing(valkey: Valkey, redis_client: Any) -> None:
    content = b"".join(line(n) for n in range(70)) + line(3, "An update.")
    async with open_ingest(valkey.url) as client:
        first, _ = await upload(client, content, **{"idempotency-key": "file-1"})
        again, summary = await upload(client, content, **{"idempotency-key": "file-1"})
        other, _ = await upload(client, line(0, "Changed."), **{"idempotency-key": "file-1"})
    assert {row["status"] for row in first} == {"accepted"}
    assert summary["replayed"] == 71
    assert [(row["id"], row["rev"]) for row in again] == [(row["id"], row["rev"]) for row in first]
    assert other[0]["status"] == "rejected"
    assert other[0]["errors"][0]["field"] == "Idempotency-Key"
    assert len(await accepted_ids(redis_client)) == 71


async def test_b12_two_uploads_at_once_accept_each_line_once(valkey: Valkey, redis_client: Any) -> None:
    content = b"".join(line(n) for n in range(300))
    async with open_ingest(valkey.url) as client:
        answers = await asyncio.gather(*(upload(client, content) for _ in range(2)))
    assert sum(summary["accepted"] for _, summary in answers) == 300
    assert sum(summary["unchanged"] for _, summary in answers) == 300
    assert len(await accepted_ids(redis_client)) == 300


async def test_b10_a_compressed_file_is_refused(valkey: Valkey, redis_client: Any) -> None:
    bomb = gzip.compress(b"\n" * 20 * MIB)
    async with open_ingest(valkey.url) as client:
        refused = await client.post(PATH, content=bomb, headers=NDJSON | {"content-encoding": "gzip"})
        assert refused.status_code == 415
        rows, _ = await upload(client, bomb)  # without saying so it is lines of garbage
        assert {row["status"] for row in rows} == {"rejected"}


async def test_too_much_is_refused_before_or_stopped_on_the_way(valkey: Valkey, redis_client: Any) -> None:
    async with open_ingest(valkey.url, bulk_bytes=10_000) as client:
        declared = await client.post(PATH, content=line(1) * 1000, headers=NDJSON)
        assert (declared.status_code, declared.headers["content-type"]) == (413, "application/problem+json")

        async def chunks() -> AsyncIterator[bytes]:
            for n in range(1000):
                yield line(n)

        rows, summary = await upload(client, chunks())
    assert len(rows) > 100
    assert {row["status"] for row in rows} == {"accepted"}
    assert not summary["complete"]
    assert "10000 bytes" in summary["detail"]
    assert len(await accepted_ids(redis_client)) == len(rows)


@pytest.mark.parametrize(("params", "headers", "status"), [
    ({"source": "x"}, NDJSON, 400),
    ({}, {"content-type": "application/json"}, 415),
    ({}, {}, 415),
    ({}, NDJSON | {"idempotency-key": "a b"}, 400),
])  # fmt: skip
async def test_what_is_no_upload_is_refused_at_once(
    valkey: Valkey, redis_client: Any, params: dict[str, str], headers: dict[str, str], status: int
) -> None:
    async with open_ingest(valkey.url) as client:
        response = await client.post(PATH, content=line(1), params=params, headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
