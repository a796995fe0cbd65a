"""ninjs 3.1: by the schemas of the IPTC, read in place, and by what an agency needs."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest
import zstandard
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from services.serve.domain.newsarticle import news_article, script_text
from services.serve.domain.ninjs import ninjs
from shared.articles import Article, Entity, EntityKind, Image, Tag
from tests.support.builders import make_article
from tests.support.material import shared_dir

BASE = "https://news.example"


def full() -> Article:
    return make_article(
        entities=(
            Entity(kind=EntityKind.PERSON, id="person:mara-holt", name="Mara Holt"),
            Entity(kind=EntityKind.PLACE, id="place:lindmouth", name="Lindmouth"),
            Entity(kind=EntityKind.ORGANISATION, id="organisation:harbour-council", name="Harbour council"),
        ),
        images=(Image(url="https://gazette.example/a b.png", caption="x"), Image(url="https://gazette.example/ü.png")),
        tags=(Tag(slug="straße", label="Straße"),),
        correction="The price was </script><b>wrong</b>.",
        story_id="ovzwk4tomfwwkllpojqw4z3fne",
        url="https://gazette.example/a",
        rev=3,
    )


def bare() -> Article:
    return make_article(
        dek="", summary="", tags=(), section=None, source=None, authors=(), language="und", paragraphs=(), word_count=0
    )


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    packed = (shared_dir() / "data/peers/ninjs.tar.zst").read_bytes()
    raw = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(io.BytesIO(packed)).read()
    found: dict[str, Any] = {}
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        for member in archive:
            if member.name.endswith(("schema_3.0.json", "schema_3.1.json", "3.1/GeoJSON-schema.json")):
                file = archive.extractfile(member)
                assert file is not None
                found[member.name.rpartition("_")[2] if "ninjs" in member.name else "geo"] = json.load(file)
    return found


@pytest.mark.data
@pytest.mark.parametrize("version", ["3.0.json", "3.1.json"])
@pytest.mark.parametrize("article", [full(), bare()], ids=["full", "bare"])
def test_an_export_is_valid_by_the_schema(schemas: dict[str, Any], version: str, article: Article) -> None:
    resource: Resource[Any] = Resource.from_contents(
        schemas.get("geo", {"$schema": "https://json-schema.org/draft/2020-12/schema"})
    )
    registry: Registry[Any] = Registry().with_resources([("https://geojson.org/schema/GeoJSON.json", resource)])
    validator = Draft202012Validator(schemas[version], registry=registry, format_checker=FormatChecker())
    assert [error.message for error in validator.iter_errors(ninjs(article, BASE))] == []
    broken = ninjs(article, BASE) | {"pubStatus": "fine"}
    assert list(validator.iter_errors(broken)), "the schema sees a fault"


def test_what_an_export_says() -> None:
    found = ninjs(full(), BASE)
    assert found["uri"] == f"{BASE}/articles/{full().id}"
    assert (found["version"], found["pubStatus"], found["language"]) == ("3", "usable", "en")
    assert found["people"] == [{"name": "Mara Holt", "literal": "person:mara-holt"}]
    assert [one["uri"] for one in found["associations"]] == ["https://gazette.example/%C3%BC.png"]
    assert found["bodies"][0]["value"] == full().body


def test_json_ld_with_a_correction_cannot_end_its_script() -> None:
    found = news_article(full(), base=BASE, site="Bay </script>")
    assert found["correction"]["text"] == "The price was </script><b>wrong</b>."
    assert found["author"] == [{"@type": "Person", "name": "Mara Holt"}]
    assert found["isPartOf"]["@id"] == f"{BASE}/stories/ovzwk4tomfwwkllpojqw4z3fne"
    text = script_text(found)
    assert not {"<", ">", "&"} & set(text)
    assert json.loads(text) == found
    plain = news_article(bare(), base=BASE, site="Bay")
    assert not {"correction", "author", "image", "inLanguage", "keywords"} & set(plain)
    assert len(news_article(make_article(title="x" * 500), base=BASE, site="Bay")["headline"]) == 110
