"""The JSON reader: everything odd is refused, naming `body`, in time linear in the input."""

from __future__ import annotations

import contextlib
import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.rejections import InputRejected
from services.ingest.domain.strict_json import MAX_DEPTH, parse_object
from tests.support.effort import at_most

MIB = 1024 * 1024
REFUSED = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "string": b'"x"',
    "cut": b'{"a":"b',
    "trailing": b'{"a":1} x',
    "two": b'{"a":1}{"b":2}',
    "utf16": '{"a":1}'.encode("utf-16"),
    "utf16le": '{"a":1}'.encode("utf-16-le"),
    "bad utf8": b'{"a":"\xff"}',
    "surrogate": b'{"a":"\\ud800"}',
    "surrogate key": b'{"a":{"\\udc00":1}}',
    "raw nul": b'{"a":"\x00"}',
    "nan": b'{"a":NaN}',
    "infinity": b'{"a":Infinity}',
    "minus infinity": b'{"a":-Infinity}',
    "duplicate": b'{"a":1,"b":2,"a":3}',
    "escaped duplicate": b'{"a":1,"\\u0061":3}',
    "comment": b'{"a":1 /* x */}',
    "single quotes": b"{'a':1}",
    "deep": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "900 deep": b'{"a":' * 900 + b"1" + b"}" * 900,
    "many values": b'{"a":[' + b'"",' * 300_000 + b'""]}',
    "many keys": b"{" + b",".join(b'"%d":1' % n for n in range(100_000)) + b"}",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_refused(data: bytes) -> None:
    with at_most(0.5), pytest.raises(InputRejected) as caught:
        parse_object(data)
    assert [fault.field for fault in caught.value.faults] == ["body"]


@pytest.mark.parametrize(
    "data",
    [
        b'"' + b'\\"' * (MIB // 2),
        b'{"a":"' + b"\\" * MIB,
        b'{"a":"' + b'\\"' * (MIB // 2) + b'"}',
        b'"' * MIB,
        b"[" * MIB,
        b"{}" * (MIB // 2),
        b":" * MIB,
        b'{"a":' + b"1" * MIB + b"}",
    ],
    ids=["open string", "backslashes", "escaped quotes", "quotes", "brackets", "objects", "colons", "digits"],
)
def test_a_hostile_mebibyte_takes_linear_time(data: bytes) -> None:
    with at_most(0.5), contextlib.suppress(InputRejected):
        parse_object(data)


def test_the_depth_limit_is_exact() -> None:
    def nested(depth: int) -> bytes:
        return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"

    assert parse_object(nested(MAX_DEPTH))
    with pytest.raises(InputRejected):
        parse_object(nested(MAX_DEPTH + 1))


def test_brackets_and_colons_in_strings_do_not_count() -> None:
    text = '[{:\\"' * 5_000
    assert parse_object(orjson.dumps({"text": text})) == {"text": text}


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse_object(b'\xef\xbb\xbf{"a":"b"}') == {"a": "b"}


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=10),
        st.one_of(
            st.text(st.characters(codec="utf-8")), st.lists(st.text(st.characters(codec="utf-8"))), st.booleans()
        ),
    )
)
def test_every_good_object_is_read_as_it_is(value: dict[str, object]) -> None:
    assert parse_object(json.dumps(value).encode()) == value
    assert parse_object(orjson.dumps(value, option=orjson.OPT_INDENT_2)) == value


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_crash_it(data: bytes) -> None:
    with contextlib.suppress(InputRejected):  # any other exception fails the test
        assert isinstance(parse_object(data), dict)
