"""The contracts of public events: schemas, examples, and the AsyncAPI document hold what the code sends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource

from services.serve.domain.event_examples import example
from services.serve.domain.public_schemas import CONTROL_TYPES, ENVELOPE, NAMES
from shared.cloudevents import cloud_event, to_json
from shared.events import LOG_EVENT_TYPES, LogEvent, Rejection
from shared.topology import FLOW
from tests.support.announcing import publication, story_change, withdrawal
from tests.support.serving import asgi, new_app
from tests.support.valkey import Valkey

pytestmark = pytest.mark.redis
SOURCE = "https://news.example"


async def fetched(valkey: Valkey, path: str) -> Any:
    async with asgi(new_app(valkey.url, public_url=SOURCE)) as client:
        answer = await client.get(path)
        assert answer.status_code == 200, path
        return answer.json()


@pytest.fixture(scope="module")
def registry(valkey: Valkey) -> Registry:
    """Every schema, fetched where `dataschema` says it is."""

    async def fetch_all() -> dict[str, Any]:
        async with asgi(new_app(valkey.url, public_url=SOURCE)) as client:
            listed = (await client.get("/v1/schemas")).json()["schemas"].values()
            return {url: (await client.get(url.removeprefix(SOURCE))).json() for url in listed}

    found = asyncio.run(fetch_all())
    assert len(found) == len(NAMES)
    return Registry().with_resources((url, Resource.from_contents(schema)) for url, schema in found.items())


def check(event: dict[str, Any], registry: Registry) -> None:
    """By the schemas of the envelope and of the data; raises ValidationError."""
    for instance, url in ((event, f"{SOURCE}/v1/schemas/{ENVELOPE}"), (event["data"], event["dataschema"])):
        schema = registry.contents(url)
        assert schema["$id"] == url
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
            instance
        )


def events() -> list[LogEvent]:
    made: list[LogEvent] = []
    for kind in LOG_EVENT_TYPES:
        if kind.startswith("story."):
            made.append(story_change(kind=kind))
        elif kind in {"article.withdrawn", "article.retracted"}:
            made.append(withdrawal(kind=kind))
        else:
            made.append(publication(kind=kind))
    return made


@pytest.mark.parametrize("kind", [*LOG_EVENT_TYPES, Rejection.TYPE, *CONTROL_TYPES])
def test_every_example_is_valid(kind: str, registry: Registry) -> None:
    check(json.loads(json.dumps(example(kind, SOURCE))), registry)


def test_what_the_code_sends_is_valid(registry: Registry) -> None:
    assert {event.meta.type for event in events()} == set(LOG_EVENT_TYPES)
    for event in events():
        check(json.loads(to_json(cloud_event(event, cursor="1-0", source=SOURCE))), registry)


def test_the_schemas_can_say_no(registry: Registry) -> None:
    good = json.loads(json.dumps(example("article.published", SOURCE)))
    for broken in (
        good | {"specversion": "0.3"},
        good | {"type": "org.broadsheet.article.exploded.v1"},
        good | {"sequence": "yesterday"},
        good | {"time": "noon"},
        good | {"data": good["data"] | {"rev": "one"}},
        good | {"data": {name: value for name, value in good["data"].items() if name != "title"}},
    ):
        with pytest.raises(ValidationError):
            check(broken, registry)


async def test_the_asyncapi_document(valkey: Valkey, registry: Registry) -> None:
    document = await fetched(valkey, "/v1/asyncapi.json")
    assert document["asyncapi"] == "3.0.0"
    senders = {"webhook"} if "notify" in FLOW else set()
    assert set(document["channels"]) == set(document["operations"]) == {
        "events", "poll", "socket", "rejections", *senders,
    }  # fmt: skip
    assert document["servers"]["http"] == {"host": "news.example", "protocol": "https"}
    sent = {kind for channel in document["channels"].values() for kind in channel["messages"]}
    assert sent == {*LOG_EVENT_TYPES, Rejection.TYPE, *CONTROL_TYPES}
    for channel in document["channels"].values():
        for message in channel["messages"].values():
            assert resolved(document, message["$ref"])["payload"]
    for operation in document["operations"].values():
        assert resolved(document, operation["channel"]["$ref"])["messages"]
        for scheme in operation.get("security", ()):
            assert resolved(document, scheme["$ref"])["type"] in {"http", "httpApiKey"}
    for message in document["components"]["messages"].values():
        validator = Draft202012Validator(message["payload"], registry=registry)
        for shown in message.get("examples", ()):
            validator.validate(shown["payload"])
            with pytest.raises(ValidationError):
                validator.validate(shown["payload"] | {"type": "org.broadsheet.other.v1"})


def resolved(document: dict[str, Any], pointer: str) -> Any:
    found: Any = document
    for part in pointer.removeprefix("#/").split("/"):
        found = found[part]
    return found


async def test_every_parameter_of_the_stream_is_in_the_document(valkey: Valkey) -> None:
    document = await fetched(valkey, "/v1/asyncapi.json")
    openapi = await fetched(valkey, "/v1/openapi.json")
    query = document["channels"]["socket"]["bindings"]["ws"]["query"]["properties"]
    taken = {row["name"] for row in openapi["paths"]["/v1/events"]["get"]["parameters"] if row["in"] == "query"}
    assert set(query) == taken - {"timeout"}
    assert set(openapi["paths"]["/v1/events"]["get"]["responses"]["200"]["content"]) == {
        "text/event-stream",
        "application/x-ndjson",
        "application/cloudevents-batch+json",
    }


async def test_yaml_and_page_say_the_same(valkey: Valkey) -> None:
    async with asgi(new_app(valkey.url, public_url=SOURCE)) as client:
        document = (await client.get("/v1/asyncapi.json")).json()
        answer = await client.get("/v1/asyncapi.yaml")
        assert yaml.safe_load(answer.text) == document
        assert answer.headers["content-type"].startswith("application/yaml")
        page = await client.get("/v1/asyncapi")
        assert "script-src" in page.headers["content-security-policy"]
        assert "<script" not in page.text
        for kind in (*LOG_EVENT_TYPES, *CONTROL_TYPES):
            assert f"org.broadsheet.{kind}.v1" in page.text
        assert "http" not in page.text.split("<main>")[0].replace("https://news.example", "")
        again = await client.get("/v1/asyncapi.json", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 200  # another form, another ETag
        same = await client.get("/v1/asyncapi.yaml", headers={"If-None-Match": answer.headers["etag"]})
        assert same.status_code == 304


async def test_schemas_that_do_not_exist(valkey: Valkey) -> None:
    async with asgi(new_app(valkey.url)) as client:
        for name in ("article.exploded.v1", "article.published.v2", "article.published", "..%2f", "x" * 500):
            assert (await client.get(f"/v1/schemas/{name}")).status_code == 404
        assert (await client.get("/v1/schemas?x=1")).status_code == 400
        assert (await client.get(f"/v1/schemas/{NAMES[0]}")).headers["content-type"] == "application/schema+json"
