"""Bytes as they came: media types, charsets, and what is not a page at all."""

from __future__ import annotations

import pytest

from services.ingest.domain.bodies import MediaType, is_empty_markup, read_html, read_media_type, read_text
from services.ingest.domain.rejections import InputRejected

ALLOWED = ("text/plain", "text/html")


@pytest.mark.parametrize(
    ("header", "media"),
    [
        ("text/plain", MediaType("text/plain")),
        ("TEXT/HTML; Charset=UTF8", MediaType("text/html", "utf-8")),
        ('text/plain; charset="windows-1252"; format=flowed', MediaType("text/plain", "windows-1252")),
        ("text/html; charset=iso-8859-1", MediaType("text/html", "windows-1252")),
        ("text/html; charset=gb2312", MediaType("text/html", "gbk")),
        ("text/html; charset=x-sjis", MediaType("text/html", "shift_jis")),
        ("text/html; charset=tis-620", MediaType("text/html", "windows-874")),
        ("text/html; charset=ks_c_5601-1987", MediaType("text/html", "euc-kr")),
        ("text/html; charset=iso-2022-kr", MediaType("text/html")),  # a label of the standard without an encoding
        ("text/plain;", MediaType("text/plain")),
        ("text/plain; format=flowed", MediaType("text/plain")),
    ],
)
def test_media_types(header: str, media: MediaType) -> None:
    assert read_media_type(header, ALLOWED) == media


@pytest.mark.parametrize(
    "header",
    [
        *("", "text", "image/png", "text/plain, text/html", "multipart/form-data; boundary=x", "text/plain\x00"),
        *(
            "text/plain; charset=utf-7",
            "text/plain; charset=rot13",
            "text/plain; charset=zlib",
            "text/html; charset=idna",
        ),
        *(
            "text/plain; charset=utf-8; charset=cp1252",
            "text/plain; charset=../../etc",
            "text/plain; charset=" + "a" * 80,
        ),
        "text/plain; charset=unicode_escape",
    ],
)
def test_other_media_types_are_refused(header: str) -> None:
    with pytest.raises(InputRejected) as caught:
        read_media_type(header, ALLOWED)
    assert caught.value.rule == "unsupported-media-type"
    assert caught.value.faults[0].field == "Content-Type"


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("Fährt".encode(), None, "Fährt"),
        (b"\xef\xbb\xbfhello", None, "hello"),
        ("Fährt".encode("cp1252"), "cp1252", "Fährt"),
        ("Fährt".encode("cp1252"), None, "Fährt"),
        ("Fährt".encode("cp1252"), "utf-8", "Fährt"),
        ("“Ja” – 5 €".encode("cp1252"), "windows-1252", "“Ja” – 5 €"),
        ("Паром".encode("koi8-r"), "koi8-r", "Паром"),
        ("Паром уходит в полдень из порта".encode("cp1251"), None, "Паром уходит в полдень из порта"),
        ("フェリーは正午に出港する。".encode("cp932"), "utf-8", "フェリーは正午に出港する。"),
        ("渡船".encode("gb18030"), "gb18030", "渡船"),
        ("ferry".encode("utf-16"), "utf-16", "ferry"),
        (b"a\x08b" + b"\x1bc" * 60 + b"\r\nd", None, "ab" + "c" * 60 + "\r\nd"),
        ("a\u202eb".encode(), None, "ab"),
    ],
)
def test_text(data: bytes, charset: str | None, text: str) -> None:
    assert read_text(data, charset) == text


@pytest.mark.parametrize(
    ("data", "charset"),
    [
        (b"", None),
        (b" \n\t ", None),
        ("\u200b\u200d \ufeff".encode(), None),
        (b"a\x00b", None),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), None),
        (b"%PDF-1.7\nabc", None),
        (b"PK\x03\x04abc", None),
        (b"\xff\xfea", "utf-16"),
        (bytes(range(1, 9)) * 100 + b"abc", None),
    ],
)
def test_what_is_not_text_is_refused(data: bytes, charset: str | None) -> None:
    with pytest.raises(InputRejected) as caught:
        read_text(data, charset)
    assert caught.value.faults[0].field == "body"


def test_html_is_kept_byte_for_byte() -> None:
    page = b"\xff\xfe<p>caf\xe9 \x00</p>\r\n"
    assert read_html(page) == page


@pytest.mark.parametrize(
    "data", [b"", b" \r\n", b"\x89PNG\r\n\x1a\n" + bytes(50), b"%PDF-1.4", b"\x00" * 50, b"\x01\x02" * 500]
)
def test_what_is_not_html_is_refused(data: bytes) -> None:
    with pytest.raises(InputRejected):
        read_html(data)


@pytest.mark.parametrize(
    "text", ["Паром снова ходит через залив", "Το πλοίο άρχισε πάλι", "เรือข้ามฟากกลับมา", "渡輪恢復運行"]
)
@pytest.mark.parametrize(
    ("codec", "charset"), [("utf-16", None), ("utf-16-le", None), ("utf-16-be", "utf-16be"), ("utf-16-le", "utf-16le")]
)
def test_html_in_utf_16_is_html(text: str, codec: str, charset: str | None) -> None:
    page = f"<!doctype html><title>{text}</title><p>{text * 20}</p>".encode(codec)
    assert read_html(page, charset) == page


@pytest.mark.parametrize("page", [b"<p></p>", b"<html><body> \n<div></div></body></html>", b"<!doctype html><hr>"])
def test_a_page_without_text_and_title_is_rejected_at_once(page: bytes) -> None:
    with pytest.raises(InputRejected, match="no text"):
        read_html(page)


@pytest.mark.parametrize(
    "page",
    [
        b"plain sentence",
        b"<p>a",
        b"<title>A headline</title>",
        b"<img alt='A ferry'>",
        b"<p>&copy;</p>",
        b"a < b",
        b"<<",
        b"< p>",
    ],
)
def test_a_page_that_may_have_a_text_or_title_is_accepted(page: bytes) -> None:
    assert read_html(page) == page


@pytest.mark.parametrize(
    "html",
    [
        "<p>&nbsp;</p>",
        "<div>&#8203;<br>&zwnj; \n</div>",
        "<p><a href='/x?a=1&amp;b=2'></a></p>",
        "<!-- wp:spacer --><hr>",
    ],
)
def test_markup_without_a_visible_character_is_certainly_empty(html: str) -> None:
    assert is_empty_markup(html)


@pytest.mark.parametrize(
    "html", ["<p>&amp;</p>", "&lt;", "<p>a</p>", "<img alt='A map'>", "1 < 2", "<p>&copy; 2026</p>"]
)
def test_markup_with_a_visible_character_is_not(html: str) -> None:
    assert not is_empty_markup(html)
