"""Decoding of documents: labels, declarations, detection, mixed and double encodings, and hostile input."""

from __future__ import annotations

import time

import pytest

from shared.charset.decoding import Markup, decode
from shared.charset.labels import encoding_of, is_label
from shared.charset.mojibake import repair

TEXTS = {
    "windows-1251": "Паром снова ходит через залив, сообщила пристань в понедельник утром. Билеты подорожали.",
    "koi8-r": "Мост открыли после ремонта, и первые машины проехали по нему в шесть часов утра.",
    "gbk": "轮渡在星期一早上恢复运行，码头工作人员表示票价将会上涨。",
    "big5": "渡輪在星期一早上恢復運行，碼頭工作人員表示票價將會上漲。",
    "shift_jis": "フェリーは月曜日の朝に運航を再開し、運賃は値上げされる。",
    "euc-jp": "橋は月曜日の朝に再び開通し、最初の車が六時に渡った。",
    "iso-2022-jp": "港の工事は来年の春まで続く見通しだと市が発表した。",
    "euc-kr": "여객선이 월요일 아침에 운항을 다시 시작했으며 요금이 오른다고 밝혔다.",
    "windows-874": "เรือข้ามฟากกลับมาให้บริการในเช้าวันจันทร์ และค่าโดยสารจะเพิ่มขึ้น",
    "windows-1253": "Το πλοίο άρχισε πάλι τα δρομολόγια τη Δευτέρα το πρωί και τα εισιτήρια ακριβαίνουν.",
    "windows-1255": "המעבורת חזרה לפעול ביום שני בבוקר ומחירי הכרטיסים יעלו בקרוב.",
    "windows-1256": "عادت العبارة إلى العمل صباح يوم الاثنين وسترتفع أسعار التذاكر قريبا.",
    "windows-1250": "Prom znów kursuje przez zatokę, ogłosiła przystań w poniedziałek. Ceny biletów wzrosły.",
}
CODECS = {"shift_jis": "cp932", "euc-kr": "cp949", "windows-874": "cp874"}


def bytes_in(encoding: str, text: str) -> bytes:
    return text.encode(CODECS.get(encoding, encoding))


def page(text: str, head: str = "") -> str:
    return f"<!doctype html><html><head>{head}<title>x</title></head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize("encoding", sorted(TEXTS))
@pytest.mark.parametrize("label", [None, "iso-8859-1", "utf-8", "x-unknown"])
def test_a_page_without_or_with_a_wrong_header_is_detected(encoding: str, label: str | None) -> None:
    text = page(TEXTS[encoding])
    assert decode(bytes_in(encoding, text), label, Markup.HTML).text == text


@pytest.mark.parametrize("encoding", sorted(TEXTS))
@pytest.mark.parametrize(
    "declaration",
    [
        '<meta charset="{}">',
        "<META HTTP-EQUIV=Content-Type CONTENT='text/html; charset={}'>",
        '<meta content="text/html;charset={}" http-equiv="content-type"/>',
        "<link rel='x'>" * 200 + '<meta charset="{}">',
        "<script>'<meta charset=utf-16>'</script><!-- <meta charset=big5> --><meta charset={}>",
        "<meta charset=x-unknown><meta charset={}>",
    ],
)
def test_a_declaration_in_the_page_is_found(encoding: str, declaration: str) -> None:
    text = page(TEXTS[encoding][:12], declaration.format(encoding))  # too short for statistics
    assert decode(bytes_in(encoding, text), None, Markup.HTML).text == text


@pytest.mark.parametrize("encoding", sorted(set(TEXTS) - {"iso-2022-jp"}))
def test_an_xml_declaration_is_read_in_feeds_and_in_pages(encoding: str) -> None:
    text = f"<?xml version='1.0' encoding='{encoding}'?>" + page(TEXTS[encoding])
    for markup in (Markup.XML, Markup.HTML):
        assert decode(bytes_in(encoding, text), None, markup).text == text


@pytest.mark.parametrize(
    ("label", "encoding"),
    [
        ("ISO-8859-1", "windows-1252"),
        ("us-ascii", "windows-1252"),
        (" latin1 ", "windows-1252"),
        ("gb2312", "gbk"),
        ("x-gbk", "gbk"),
        ("cp936", "gbk"),
        ("shift_jis", "shift_jis"),
        ("x-sjis", "shift_jis"),
        ("windows-31j", "shift_jis"),
        ("cp932", "shift_jis"),
        ("ks_c_5601-1987", "euc-kr"),
        ("windows-949", "euc-kr"),
        ("cp949", "euc-kr"),
        ("tis-620", "windows-874"),
        ("windows-874", "windows-874"),
        ("iso-8859-9", "windows-1254"),
        ("ibm866", "ibm866"),
        ("x-mac-cyrillic", "x-mac-cyrillic"),
        ("UTF8", "utf-8"),
        ("utf-16", "utf-16le"),
        ("cp850", "cp850"),
    ],
)
def test_labels_mean_what_browsers_mean(label: str, encoding: str) -> None:
    assert encoding_of(label) == encoding
    assert is_label(label)


@pytest.mark.parametrize(
    "label",
    [
        "",
        "utf-7",
        "base64",
        "rot13",
        "idna",
        "unicode_escape",
        "raw_unicode_escape",
        "hz",
        "zip",
        "a\x00b",
        "é",
        "utf8mb4",
    ],
)
def test_what_names_no_encoding_of_documents(label: str) -> None:
    assert encoding_of(label) is None


@pytest.mark.parametrize("label", ["iso-2022-kr", "hz-gb-2312", "replacement", "x-user-defined"])
def test_labels_of_the_standard_without_an_encoding_are_labels(label: str) -> None:
    assert (encoding_of(label), is_label(label)) == (None, True)


@pytest.mark.parametrize("label", ["iso-8859-1", "us-ascii", "latin1", None])
def test_quotes_dashes_and_the_euro_of_windows_survive(label: str | None) -> None:
    text = page("She said: “It’s 5 € – no more…”")
    assert decode(text.encode("cp1252"), label, Markup.HTML).text == text


@pytest.mark.parametrize("text", ["① 高橋㈱ ～ № ㌔", "㈱髙島屋は①月"])
def test_characters_of_windows_in_japanese_labels(text: str) -> None:
    assert decode(text.encode("cp932"), "x-sjis").text == text


@pytest.mark.parametrize(
    ("paragraph", "codec"),
    [
        ("“Ganz schön teuer” – für 5 €", "cp1252"),
        ("Žluťoučký kůň", "cp1252"),
        ("L’été dernier à Orléans", "cp1252"),
    ],
)
def test_a_stray_paragraph_leaves_the_rest_untouched(paragraph: str, codec: str) -> None:
    before, after = page("Пристань открыта – für alle: 港口重新开放。").split("<p>")
    odd = paragraph.encode(codec, "ignore")
    text = decode(before.encode() + b"<p>" + odd + b"</p><p>" + after.encode(), "utf-8", Markup.HTML).text
    assert after in text
    assert "\ufffd" not in text
    assert odd.decode("cp1252") in text


@pytest.mark.parametrize("prefix", ["\x00", "<\x00", "\x00<\x00", "a\x00"])
def test_a_stray_zero_byte_is_no_utf_16(prefix: str) -> None:
    text = prefix + page("The ferry is back on the river.")
    assert decode(text.encode(), None, Markup.HTML).encoding == "utf-8"


def test_a_page_cut_inside_a_character_is_still_utf_8() -> None:
    data = page("Пристань открыта").encode()
    cut = data[: data.index("та</p>".encode()) + 1]
    assert decode(cut, None, Markup.HTML).text.endswith("Пристань откры")


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("label", [None, "utf-16", "iso-8859-1"])
def test_wide_encodings_are_seen_with_and_without_a_mark(codec: str, label: str | None) -> None:
    text = page("Grüße aus Łódź", "<meta charset=utf-8>")
    assert decode(text.encode(codec), label, Markup.HTML).text == text


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("FÃ¤hre fÃ¤hrt Ã¼ber den Fluss", "Fähre fährt über den Fluss"),
        ("â€œThatâ€™s itâ€\x9d, she said", "“That’s it”, she said"),
        ("CafÃ© au lait", "Café au lait"),
        ("ÐŸÐ°Ñ€Ð¾Ð¼ ÑƒÑ…Ð¾Ð´Ð¸Ñ‚", "Паром уходит"),
        ("<p>FÃ¤hre</p><p>Brücke</p>", "<p>Fähre</p><p>Brücke</p>"),
        ("It\x92s \x935 \x80\x94", "It’s “5 €”"),
        *(
            ("".join(bytes((byte,)).decode(codec, "ignore") or chr(byte) for byte in text.encode()), text)  # type: ignore[union-attr]
            for text in map(TEXTS.get, ("windows-1253", "windows-1255", "windows-874", "euc-kr", "windows-1250"))
            for codec in ("latin-1", "cp1252")
        ),
    ],
)
def test_double_encoding_is_repaired(wrong: str, right: str) -> None:
    assert repair(wrong) == right


@pytest.mark.parametrize(
    "text",
    [
        "Wer Ã¤ statt ä sieht, hat ein Problem",
        "São Paulo, ÂNGELA e ÃO",
        "Voilà – déjà vu…",
        "Đặng Thị Ngọc Thịnh",
        "naïve £5 ©2026 «été»",
        "РС и СССР – это",
        "Il est là\u00a0: «\u00a0à\u00a0» et «\u00a0déjà\u00a0»…",
        "CAFÉ™ und ROSÉ® à €5",
    ],
)
def test_text_that_is_right_stays(text: str) -> None:
    assert repair(text) == text


HOSTILE = {
    "open tags": b"<" * 1_000_000,
    "open metas": b"<meta " * 200_000,
    "open quotes": b"<meta charset='" * 80_000 + b"\xe4",
    "open comments": b"<!--" * 300_000 + b"\xe4",
    "open scripts": b"<script " * 150_000 + b"\xe4",
    "attributes": b"<meta " + b"a " * 500_000 + b"\xe4",
    "equals": b"<meta " + b"a=" * 500_000 + b"\xe4",
    "blanks": b"<meta a" + b" " * 1_000_000 + b"\xe4",
    "xml": b"<?xml " + b"encoding = " * 100_000 + b"\xe4",
    "every byte": bytes(range(256)) * 4_000,
    "stray bytes": b"a\xe4" * 500_000,
    "stray segments": b"<p>\xe4\xf6" * 200_000 + "ä".encode() * 100_000,
    "escapes": b"\x1b$B" * 300_000,
    "half pairs": b"\x1b$B!" * 200_000 + b"\xa4",
    "euc": b"\x8f\xa1" * 400_000,
    "wide": b"a\x00" * 500_000,
    "double": "Ã¤".encode() * 250_000,
    "double lines": "Ã¤ä\n".encode() * 150_000,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
@pytest.mark.parametrize("markup", list(Markup))
def test_hostile_bytes_cost_no_more_than_their_length(name: str, markup: Markup) -> None:
    started = time.process_time()
    decode(HOSTILE[name], "euc-jp" if name == "euc" else None, markup)
    assert time.process_time() - started < 6
