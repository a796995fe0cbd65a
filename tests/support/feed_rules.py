"""Strict checks of feeds: schemas written from the specifications, and the rules that no schema can say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import feedparser
from jsonschema import Draft202012Validator, FormatChecker
from lxml import etree

_SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
_ATOM = "{http://www.w3.org/2005/Atom}"
_PARSER = {"resolve_entities": False, "no_network": True, "recover": False}


def assert_by_schema(content: bytes, name: str) -> Any:
    """The parsed document; fails with what the RELAX NG schema says."""
    root = etree.fromstring(content, etree.XMLParser(**_PARSER))
    schema = etree.RelaxNG(etree.parse(_SCHEMAS / f"{name}.rng"))
    assert schema.validate(root), schema.error_log
    return root


def assert_json_feed(content: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(content)
    schema = json.loads((_SCHEMAS / "jsonfeed.schema.json").read_text("utf-8"))
    checker = Draft202012Validator(schema, format_checker=FormatChecker())
    assert [error.message for error in checker.iter_errors(value)] == []
    _assert_unique([item["id"] for item in value["items"]])
    return value


def assert_atom(content: bytes) -> Any:
    root = assert_by_schema(content, "atom")
    _assert_unique(root.xpath("a:entry/a:id/text()", namespaces={"a": _ATOM[1:-1]}))
    for place in (root, *root.iterfind(f"{_ATOM}entry")):
        links = [link.attrib for link in place.iterfind(f"{_ATOM}link")]
        # RFC 4287 4.1.1: no two alternates of one type and language
        _assert_unique([link.get("type") for link in links if link.get("rel", "alternate") == "alternate"])
    assert len([link for link in root.iterfind(f"{_ATOM}link") if link.get("rel") == "self"]) == 1
    _assert_parsed(content)
    return root


def assert_rss(content: bytes) -> Any:
    root = assert_by_schema(content, "rss")
    _assert_unique(root.xpath("channel/item/guid/text()"))
    _assert_parsed(content)
    return root


def _assert_parsed(content: bytes) -> None:
    parsed = feedparser.parse(content)
    assert not parsed.bozo, parsed.bozo_exception


def _assert_unique(values: list[Any]) -> None:
    assert len(values) == len(set(values)), values
