"""Which article an input is: the ladder of identity, the digest, the fingerprint."""

from __future__ import annotations

import pytest

from services.ingest.domain.identity import content_digest, fingerprint, identify
from shared.articles import InputKind, Submission
from shared.ids import ARTICLE_ID

URL = "https://example.org/ferry"


def test_source_and_id_beat_the_url_and_the_url_beats_the_text() -> None:
    named = identify(Submission(source="gazette", external_id="1", url=URL), "a")
    assert named == identify(Submission(source="gazette", external_id="1"), "b")
    linked = identify(Submission(source="gazette", url=URL), "a")
    assert linked == identify(Submission(url=URL + "?utm_source=feed#top"), "b")
    bare = identify(Submission(source="gazette"), "a  b\n")
    assert bare == identify(Submission(title="another"), " a b")
    assert len({named, linked, bare}) == 3
    assert all(ARTICLE_ID.match(one) for one in (named, linked, bare))


def test_composed_and_decomposed_letters_are_one_text() -> None:
    assert identify(Submission(), "caf\u00e9") == identify(Submission(), "cafe\u0301")


def test_parts_do_not_run_together() -> None:
    assert identify(Submission(source="ab", external_id="c"), "") != identify(
        Submission(source="a", external_id="bc"), ""
    )


@pytest.mark.parametrize(
    ("kind", "data", "submission"),
    [
        (InputKind.HTML, b"x", Submission()),
        (InputKind.TEXT, b"y", Submission()),
        (InputKind.TEXT, b"x", Submission(title="t")),
        (InputKind.TEXT, b"x", Submission(tags=("t",))),
    ],
)
def test_the_digest_sees_every_part(kind: InputKind, data: bytes, submission: Submission) -> None:
    digest = content_digest(InputKind.TEXT, b"x", Submission())
    assert digest == content_digest(InputKind.TEXT, b"x", Submission())
    assert content_digest(kind, data, submission) != digest


def test_the_fingerprint_sees_every_part_but_not_the_order_of_parameters() -> None:
    one = fingerprint("POST", "/a", [("x", "1"), ("y", "2")], "text/plain", b"b")
    assert one == fingerprint("POST", "/a", [("y", "2"), ("x", "1")], "text/plain", b"b")
    others = {
        fingerprint("PUT", "/a", [("x", "1"), ("y", "2")], "text/plain", b"b"),
        fingerprint("POST", "/b", [("x", "1"), ("y", "2")], "text/plain", b"b"),
        fingerprint("POST", "/a", [("x", "1"), ("y", "3")], "text/plain", b"b"),
        fingerprint("POST", "/a", [("x", "1"), ("y", "2")], "text/html", b"b"),
        fingerprint("POST", "/a", [("x", "1"), ("y", "2")], "text/plain", b"c"),
        fingerprint("POST", "/a", [("x1", ""), ("y", "2")], "text/plain", b"b"),
    }
    assert one not in others
    assert len(others) == 6
