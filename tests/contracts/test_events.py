"""Golden examples of every event version: frozen bytes that every later version of the code must still read.

A file here is never edited. A new optional field gets a new example beside the old ones; a breaking change gets a new
stream. The digests below make an edit loud.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from shared.envelope import decode, encode_event, split_at_rev
from shared.events import ArticleEnriched, ArticleReceived, Event, Publication, Rejection, StoryChange, Withdrawal
from shared.topology import REJECTIONS, STREAMS

GOLDEN = Path(__file__).parent / "events"

FROZEN: dict[str, tuple[type[Event], str]] = {
    "article.received.v1+traceparent.json": (
        ArticleReceived,
        "78356d8883baf5bedb1c87f783a33e0d4791e7fc5579a12ee25599601a3d64da",
    ),
    "article.published.v1+traceparent.json": (
        Publication,
        "309463466d89aa1890bbb3e07fd88bff9cf29cff2048ac6ca4057848b58d4fb8",
    ),
    "article.received.v1.json": (
        ArticleReceived,
        "a2e568ec6c34632ed74fbb86252f74506eb8c2f8c4861bfb962d7640662cd75a",
    ),
    "article.enriched.v1.json": (
        ArticleEnriched,
        "159cb7f541c7dd063c40f3108e867a4f709e065dff42ecfac837c474e1683431",
    ),
    "article.published.v1.json": (
        Publication,
        "cc3fa72f84d1e736f4f9d041f38aad2d9956cd1cbb140127fd4f9bedf28aa7f3",
    ),
    "article.updated.v1.json": (
        Publication,
        "ae8733a18f43584a3152eb663bc9686c953d8f1f1b2563f813c0ef3208211eb5",
    ),
    "article.published.v1+minimal.json": (
        Publication,
        "2ebc06362bad1838ef4e8ba665ac691153660b1dfeb899da2a652fb6c0bde5d4",
    ),
    "article.corrected.v1.json": (
        Publication,
        "b3a6c1b6923bd2326b9c87555efdc6c50203cd3e1a56a2f24aa6958261a2407c",
    ),
    "article.restored.v1.json": (
        Publication,
        "74fcb30d4cfd5b1cb346d727b6e44ffce424aab6b0a369d36b1ea0bb60b91444",
    ),
    "article.withdrawn.v1.json": (
        Withdrawal,
        "a43d11271bfc19a237c45d5490b07114c8b25cdb092e9ebe2ee658d788b9c7fa",
    ),
    "article.retracted.v1.json": (
        Withdrawal,
        "a3c2a46132453be4f2aa1097675911dc445dc024f0d612cbb94ab7c16a836a59",
    ),
    "story.created.v1.json": (
        StoryChange,
        "50c87ddfe9c89be9d212fa4f28b6b196af878031a4ce619857870456ecd1839f",
    ),
    "story.extended.v1.json": (
        StoryChange,
        "de75a13914569914d7546ad5e7f5c9ad0ba7a94252e9e890f04fb1969864fcd7",
    ),
    "story.merged.v1.json": (
        StoryChange,
        "10a805e9a5d4809b4037f1474a11c562ba371f09ccc0a7ab343798587819cb3d",
    ),
    "article.rejected.v1.json": (
        Rejection,
        "5f3ebdaacf867799a02c8ab5463bb61bd91c2357ec62782fd77fe05bca2363d1",
    ),
}
SCHEMAS: dict[str, type[Event]] = {
    "article.received.v1.schema.json": ArticleReceived,
    "article.enriched.v1.schema.json": ArticleEnriched,
    "publications.v1.schema.json": Publication,
    "article.rejected.v1.schema.json": Rejection,
}


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


def with_unknown_fields(value: Any) -> Any:
    """The same JSON as a newer producer would send it: one more field in every object."""
    if isinstance(value, dict):
        return {**{key: with_unknown_fields(item) for key, item in value.items()}, "from_the_future": {"deep": [1]}}
    if isinstance(value, list):
        return [with_unknown_fields(item) for item in value]
    return value


def covers(actual: Any, expected: Any) -> bool:
    """Whether `actual` says everything that `expected` says; it may say more."""
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(
            key in actual and covers(actual[key], expected[key]) for key in expected
        )
    if isinstance(expected, list):
        return isinstance(actual, list) and len(actual) == len(expected) and all(map(covers, actual, expected))
    return bool(actual == expected)


def narrowings(old: dict[str, Any], new: dict[str, Any], where: str = "") -> list[str]:
    """What a new JSON schema demands or drops that the old one did not: each is a breaking change."""
    found = [f"{where}: field {name} is gone" for name in old.get("properties", {}) if name not in new["properties"]]
    found += [
        f"{where}: {name} became required" for name in set(new.get("required", ())) - set(old.get("required", ()))
    ]
    for name, shape in old.get("properties", {}).items():
        later = new["properties"].get(name, shape)
        if any(shape.get(key) != later.get(key) for key in ("type", "anyOf", "$ref", "pattern", "format")):
            found.append(f"{where}: {name} changed its type")
    for name, definition in old.get("$defs", {}).items():
        if "properties" in definition:
            found += narrowings(definition, new["$defs"].get(name, {"properties": {}}), f"{where}/{name}")
    return found


def test_every_stream_has_a_golden_example() -> None:
    assert {stream.event for stream in (*STREAMS, REJECTIONS)} <= {model for model, _ in FROZEN.values()}
    assert {path.name for path in GOLDEN.glob("*.json")} == set(FROZEN) | set(SCHEMAS)


@pytest.mark.parametrize("name", FROZEN)
def test_a_golden_example_is_never_edited(name: str) -> None:
    assert hashlib.sha256(golden(name)).hexdigest() == FROZEN[name][1]


@pytest.mark.parametrize("name", FROZEN)
def test_a_golden_example_is_read_and_written_back_without_loss(name: str) -> None:
    event = FROZEN[name][0].from_json(golden(name))
    assert covers(json.loads(event.to_json()), json.loads(golden(name)))
    assert type(event).from_json(event.to_json()) == event


@pytest.mark.parametrize("name", FROZEN)
def test_a_reader_ignores_the_fields_of_a_newer_producer(name: str) -> None:
    model = FROZEN[name][0]
    newer = json.dumps(with_unknown_fields(json.loads(golden(name)))).encode()
    assert model.from_json(newer) == model.from_json(golden(name))


@pytest.mark.parametrize("name", FROZEN)
def test_an_event_type_says_its_file_name_and_version(name: str) -> None:
    meta = FROZEN[name][0].from_json(golden(name)).meta
    assert f"{meta.type}.v{meta.version}" == name.removesuffix(".json").split("+")[0]


@pytest.mark.parametrize("name", FROZEN)
def test_the_entry_of_an_event_decodes_to_the_event(name: str) -> None:
    event = FROZEN[name][0].from_json(golden(name))
    headers, body = decode({b"__data__": encode_event(event)})
    assert headers["correlation_id"] == event.meta.correlation_id
    assert type(event).from_json(body) == event


@pytest.mark.parametrize("rev", [1, 9, 10, 4_000_000_000])
@pytest.mark.parametrize("name", ["article.received.v1.json", "article.enriched.v1.json"])
def test_a_script_may_fill_in_the_revision(name: str, rev: int) -> None:
    event = FROZEN[name][0].from_json(golden(name))
    head, tail = split_at_rev(event)
    _, body = decode({b"__data__": head + str(rev).encode() + tail})
    filled = type(event).from_json(body)
    assert isinstance(filled, ArticleReceived | ArticleEnriched)
    assert filled.article.rev == rev
    assert filled.meta == event.meta


def test_the_revision_of_a_publication_can_be_found_too() -> None:
    event = Publication.from_json(golden("article.published.v1.json"))
    head, tail = split_at_rev(event)
    assert decode({b"__data__": head + b"%d" % event.card.rev + tail})[1] == event.to_json()


def test_an_event_with_a_forged_revision_in_its_trace_id_is_refused() -> None:
    """Headers are not JSON, so a trace id is the one place where bytes of a stranger could look like the field."""
    event = ArticleReceived.from_json(golden("article.received.v1.json"))
    forged = event.model_copy(update={"meta": event.meta.model_copy(update={"correlation_id": '{"rev":7}'})})
    with pytest.raises(ValueError, match="exactly one rev"):
        split_at_rev(forged)


@pytest.mark.parametrize("name", SCHEMAS)
def test_inside_a_major_version_only_optional_fields_are_added(name: str) -> None:
    frozen = json.loads(golden(name))
    assert narrowings(frozen, SCHEMAS[name].model_json_schema()) == []


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ({"properties": {}, "required": []}, "is gone"),
        ({"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["b"]}, "became required"),
        ({"properties": {"a": {"type": "integer"}}, "required": []}, "changed its type"),
    ],
)
def test_the_schema_rule_sees_each_breaking_change(new: dict[str, Any], words: str) -> None:
    old = {"properties": {"a": {"type": "string"}}, "required": []}
    assert [fault for fault in narrowings(old, new) if words in fault]


def test_a_work_stream_entry_carries_no_body() -> None:
    """Claim check: entries of the work streams stay small however large the article is."""
    for name in ("article.received.v1.json", "article.enriched.v1.json"):
        assert len(encode_event(FROZEN[name][0].from_json(golden(name)))) < 600


def test_the_trace_context_is_inherited_and_written_only_when_there_is_one() -> None:
    traced = ArticleReceived.from_json(golden("article.received.v1+traceparent.json"))
    follows = ArticleEnriched.meta_for(producer="enrich", now=traced.meta.occurred_at, cause=traced.meta)
    assert follows.traceparent == traced.meta.traceparent == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    plain = ArticleReceived.from_json(golden("article.received.v1.json"))
    assert b"traceparent" not in plain.to_json()
