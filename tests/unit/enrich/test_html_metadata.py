"""Metadata of HTML pages: JSON-LD that is nearly JSON, titles, addresses, deks, names of any people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.enrich.domain.authors.bylines import names_in, starts_byline
from services.enrich.domain.html.page import read
from services.enrich.domain.pipeline import run
from services.enrich.domain.titles import vote
from tests.unit.enrich.pages import BODY, TITLE, html_page, paragraphs_html, raw_page

ARTICLE = f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article>"
FIELDS = '"@type": "NewsArticle", "datePublished": "2026-05-03T08:30:00+02:00", "author": {"name": "Henrike Moll"}'


def reading(head: str, body: str = ARTICLE) -> Any:
    return read(html_page(body, head).encode(), "text/html; charset=utf-8", "https://gazette.example/a")


def json_ld(text: str, kind: str = "application/ld+json") -> str:
    return f'<script type="{kind}">{text}</script>'


@pytest.mark.parametrize(
    "text",
    [
        f"{{{FIELDS}}};",
        f"{{{FIELDS},}}",
        f'{{"keywords": ["a", "b",], {FIELDS}}}',
        f"<![CDATA[{{{FIELDS}}}]]>",
        f"//<![CDATA[\n{{{FIELDS}}}\n//]]>",
        f"/*<![CDATA[*/{{{FIELDS}}}/*]]>*/",
        f"<!-- {{{FIELDS}}} -->",
        f'{{"@type": "Organization", "name": "Gazette"}}{{{FIELDS}}}',
        f'{{"@type": "Organization", "name": "Gazette"}},\n{{{FIELDS}}}',
        f'{{"description": "one\ntwo\tthree", {FIELDS}}}',
        f'{{"description": "It\\\'s \\(here\\)", {FIELDS}}}',
        f"\ufeff{{{FIELDS}\x0b}}",
        f"[[{{{FIELDS}}}]]",
        f'{{"@type": ["Thing", "Article"], "url": "https://e.example//a;b,]", {FIELDS[24:]}}}',
        "{" + FIELDS.replace('"', "&quot;") + "}",
        f"{{{FIELDS}",
        "{" + FIELDS.replace('"NewsArticle",', '"NewsArticle"\n') + "}",
        f'{{"wordCount": , {FIELDS}}}',
        f'{{"image": undefined, {FIELDS}}}',
        f'{{"description": "the "old" bridge", {FIELDS}}}',
        "{" + FIELDS.replace('"', "'") + "}",
        f'{{"@type": "WebPage", {FIELDS[24:]}}}',
        f"{{{FIELDS.replace('2026-05-03T08:30:00+02:00', 'Sun May 03 2026 08:30:00 GMT+0200 (CEST)')}}}",
    ],
)
def test_json_ld_that_is_nearly_json_is_read(text: str) -> None:
    found = reading(json_ld(text))
    assert found.authors == ("Henrike Moll",)
    assert found.published_at == datetime(2026, 5, 3, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "author",
    [
        '[{"@id": "#p"}]',
        '{"@id": "#p"}',
        '[["Henrike Moll"]]',
        '{"givenName": "Henrike", "familyName": "Moll"}',
        '[{"@type": "Person", "name": ["Henrike Moll"]}]',
        '{"name": {"@value": "Henrike Moll"}}',
        '["https://gazette.example/authors/henrike-moll", "Henrike Moll"]',
        '{"name": "Henrike Moll Henrike Moll"}',
        '"Henrike Moll, Henrike Moll"',
    ],
)
def test_authors_in_every_form_of_json_ld(author: str) -> None:
    person = '{"@type": "Person", "@id": "#p", "name": "Henrike Moll", "url": "/authors/1"}'
    text = f'{{"@graph": [{{"@type": "NewsArticle", "author": {author}}}, {person}]}}'
    assert reading(json_ld(text)).authors == ("Henrike Moll",)


@pytest.mark.parametrize("name", ["Bridges & Roads", "Q&A", "R&B"])
def test_tags_hold_characters_and_no_entities(name: str) -> None:
    escaped = name.replace("&", "&amp;amp;")
    assert reading(f'<meta property="article:tag" content="{escaped}">').tags == (name,)
    linked = ARTICLE.replace("</article>", f'<a rel="tag" href="/t/1">{name.replace("&", "&amp;")}</a></article>')
    assert name in reading("", linked).tags


@pytest.mark.parametrize("hostile", ['{"a": "' + '\\"' * 200_000, "/*" * 200_000, ", " * 200_000, "[" * 400_000])
def test_hostile_json_ld_is_left_out(hostile: str) -> None:
    assert reading(json_ld(hostile)).title == TITLE


@pytest.mark.parametrize(
    "name",
    [
        "Nguyễn Thị Minh Khai",
        "Ọláyínká Adébáyọ̀",
        "राजेश कुमार",
        "Ngũgĩ wa Thiong'o",
        "Łukasz Żółkiewski",
        "Оксана Шевченко",
        "Priyanka Subramanian",
        "Chukwuemeka Okonkwo",
        "山田 太郎",
        "佐藤さくら",
        "王小明",
        "김민수",
        "محمد العلي",
        "June Okonkwo",
        "Ursula von der Leyen",
        "Max von Sydow",
    ],
)
def test_an_author_is_believed_whatever_people_the_name_is_of(name: str) -> None:
    assert reading(f'<meta name="author" content="{name}">').authors == (name,)
    assert reading("", ARTICLE.replace("</h1>", f"</h1><p class='byline'>{name}</p>")).authors == (name,)


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("記者 王小明", ("王小明",)),
        ("【記者王小明／台北報導】", ("王小明",)),
        ("記者 王小明 台北報導", ("王小明",)),
        ("本报记者 张三 李四", ("张三", "李四")),
        ("新华社记者 张三、李四", ("张三", "李四")),
        ("作者：张 三", ("张三",)),
        ("文／王小明", ("王小明",)),
        ("山田太郎記者", ("山田太郎",)),
        ("取材・文 山田花子", ("山田花子",)),
        ("김민수 기자", ("김민수",)),
        ("[서울=뉴시스] 김민수 기자", ("김민수",)),
        ("홍길동 기자 hong@gazette.example", ("홍길동",)),
    ],
)
def test_bylines_without_spaces(byline: str, names: tuple[str, ...]) -> None:
    assert (names_in(byline), starts_byline(byline)) == (names, True)
    assert reading("", ARTICLE.replace("</h1>", f"</h1><p>{byline}</p>")).authors == names


@pytest.mark.parametrize("text", ["編集部", "人民网", "責任編輯：王小明", "朝日新聞", "本报讯"])
def test_newsrooms_are_no_names(text: str) -> None:
    assert names_in(text) == ()


@pytest.mark.parametrize(
    ("title", "sites", "sections", "wanted"),
    [
        ("Quarter out - no profit - Norholm Exchange", {"norholmexchange"}, (), "Quarter out - no profit"),
        ("Ferry stops – and the town waits", {"gazette"}, (), "Ferry stops – and the town waits"),
        ("Ferry stops – The Norholm Gazette", {"norholmgazette"}, (), "Ferry stops"),
        ("Ferry stops – Transport – Gazette", {"gazette"}, ("Transport",), "Ferry stops"),
        ("Gazette - Ferry stops - again", {"gazette"}, (), "Ferry stops - again"),
        ("Ferry stops | Anything", set(), (), "Ferry stops"),
        ("Ferry stops - Norholm Daily News", set(), (), "Ferry stops"),
        ("Gazette: Ferry stops: again", {"gazette"}, (), "Ferry stops: again"),
        ("Gazette « Ferry stops", {"gazette"}, (), "Ferry stops"),
        ("渡し船が止まる：港新聞", {"港新聞"}, (), "渡し船が止まる"),
        ("渡轮停航_港口新闻", {"港口新闻"}, (), "渡轮停航"),
        ("Live: Ferry stops", {"gazette"}, (), "Live: Ferry stops"),
    ],
)  # fmt: skip
def test_a_title_is_cut_at_a_dash_only_before_the_site(
    title: str, sites: set[str], sections: tuple[str, ...], wanted: str
) -> None:
    assert vote([("title", title)], sites, sections) == wanted
    assert vote([("og", title), ("title", title)], sites, sections) == wanted


@pytest.mark.parametrize(
    "candidates",
    [
        [("h1", "Politics"), ("title", "Ferry stops for winter | Politics | Gazette")],
        [("h1", "Sport"), ("title", "Ferry stops for winter - Gazette")],
        [("h1", "The Norholm Gazette"), ("title", "Ferry stops for winter - The Norholm Gazette")],
        [("h1", "Politics"), ("h1", "Ferry stops for winter"), ("title", "Ferry stops for winter")],
        [("h1", "Your news from the coast"), ("og", "Ferry stops for winter"), ("title", "Ferry stops for winter")],
        [("h1", "Health Center"), ("title", "Ferry stops for winter")],
        [("h1", "Original text"), ("title", "Ferry stops for winter | Gazette")],
        [("h1", "Information for all"), ("title", "Ferry stops for winter - Gazette")],
        [("title", "Ferry stops for winter - Ferry stops for winter")],
        [("h1", "Ferry stops for winter¶"), ("title", "Ferry stops for winter — Gazette documentation")],
    ],
)
def test_a_heading_of_the_site_or_section_is_no_title(candidates: list[tuple[str, str]]) -> None:
    assert vote(candidates, {"gazette"}, ("Politics",)) == "Ferry stops for winter"


@pytest.mark.parametrize(
    ("candidates", "wanted"),
    [
        ([("h1", "Ferry stops for winter"), ("title", "News and more from the coast")], "Ferry stops for winter"),
        ([("h1", "Winterfähren"), ("title", "Fähren stehen still: das sind die Fakten")], "Winterfähren"),
        ([("h1", "Ferries"), ("title", "Gazette")], "Ferries"),
        ([("h1", "好奇心日报"), ("title", "这个软件想帮你找对象_智能_好奇心日报")], "这个软件想帮你找对象"),
        ([("h1", "新竹尖石_美樹營地"), ("title", "新竹尖石_美樹營地 ｜ 史蒂文的家")], "新竹尖石_美樹營地"),
    ],
)
def test_a_heading_that_may_be_the_headline_stays(candidates: list[tuple[str, str]], wanted: str) -> None:
    assert vote(candidates, {"gazette"}) == wanted


PAGE = "https://gazette.example/2026/ferry-stops"


@pytest.mark.parametrize(
    ("head", "given", "wanted"),
    [
        ("<link rel='canonical' href='https://gazette.example/'>", PAGE, PAGE),
        ("<meta property='og:url' content='https://gazette.example'>", PAGE, PAGE),
        ("<link rel='canonical' href='/index.html'>", PAGE, PAGE),
        ("<link rel='canonical' href='https://gazette.example/en/'>", PAGE, PAGE),
        ("<link rel='canonical' href='https://gazette.example/'>", None, None),
        (f"<link rel='canonical' href='{PAGE}'>", "https://gazette.example/amp/2026/ferry-stops", PAGE),
        (f"<link rel='canonical' href='{PAGE}'>", PAGE + "/amp/", PAGE),
        (f"<link rel='canonical' href='{PAGE}'>", PAGE + "?outputType=amp", PAGE),
        (f"<link rel='canonical' href='{PAGE}'>", "https://m.gazette.example/2026/ferry-stops", PAGE),
        (f"<LINK REL='Canonical' HREF='{PAGE}'>", None, PAGE),
        ("<base href='https://gazette.example/2026/'><link rel='canonical' href='ferry-stops'>", None, PAGE),
        (f"<link rel='canonical' href='{PAGE}'>", PAGE + "?utm_source=x", PAGE),
        (f"<link rel='canonical' href='{PAGE}'>", "https://gazette.example/other", "https://gazette.example/other"),
    ],
)
def test_addresses(head: str, given: str | None, wanted: str | None) -> None:
    page = raw_page(html_page(ARTICLE, head), "html", "text/html; charset=utf-8", url=given)
    assert run(page, lambda: 0.0).article.url == wanted


DEK = "A worn cam and a mayor share the blame, say those who wind it."


@pytest.mark.parametrize(
    "shown",
    [
        f"<p class='article__dek'>{DEK}</p>",
        f"<h2>{DEK}</h2>",
        f"<div class='standfirst'><p>{DEK}</p></div>",
        f"<p itemprop='description'>{DEK}</p>",
    ],
)
@pytest.mark.parametrize("cut", [False, True])
def test_a_dek_that_the_page_shows_above_the_body_is_the_dek(shown: str, cut: bool) -> None:
    head = f'<meta name="description" content="{DEK[:-10] + "…" if cut else DEK}">'
    found = reading(head, f"<article><h1>{TITLE}</h1>{shown}{paragraphs_html()}</article>")
    assert found.dek == DEK
    assert BODY[0] in found.paragraphs[:2]


@pytest.mark.parametrize(
    "header",
    [
        f"<header><h1>{TITLE}</h1><p class='x1'>{DEK}</p></header>",
        f"<div class='ArticleHero'><h1>{TITLE}</h1><p class='ArticleDek_root__R8'>{DEK}</p></div>",
        f"<h1>{TITLE}</h1><div><p>{DEK}</p></div>",
        f"<h1>{TITLE}</h1><p class='meldung_anrisstext'>{DEK}</p>",
    ],
)
def test_a_description_shown_in_the_header_is_the_dek(header: str) -> None:
    found = reading(f'<meta name="description" content="{DEK}">', f"{header}<div>{paragraphs_html()}</div>")
    assert found.dek == DEK


@pytest.mark.parametrize("first", [BODY[0], f"{TITLE} | {DEK} - Gazette", TITLE, BODY[0][:80] + "…"])
def test_of_several_descriptions_the_one_that_repeats_nothing_is_the_dek(first: str) -> None:
    head = f'<meta name="description" content="{first}"><meta property="og:description" content="{DEK}">'
    assert reading(head, f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article>").dek == DEK


@pytest.mark.parametrize("first", [BODY[0], BODY[0][:80] + "…"])
def test_the_start_of_the_body_is_no_dek(first: str) -> None:
    other = f'<meta property="og:description" content="{BODY[0][:60]} (Gazette)">'
    head = f'<meta name="description" content="{first}">{other}'
    assert reading(head, f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article>").dek == ""


@pytest.mark.parametrize("names", ["standfirst", "article__subtitle sub-title", "c-dek", "chapo"])
def test_a_standfirst_by_its_class_is_the_dek_of_a_page_without_description(names: str) -> None:
    dek = "Nobody knows who wound it last"
    page = ARTICLE.replace("</h1>", f'</h1><p class="{names}">{dek}</p>')
    assert reading("", page).dek == dek


def test_a_description_with_markup_is_text() -> None:
    assert (
        reading(
            '<meta name="description" content="&lt;p&gt;Nobody &lt;b&gt;knows&lt;/b&gt; who wound it&lt;/p&gt;">'
        ).dek
        == "Nobody knows who wound it"
    )
