"""Who is believed to have written an article, and who is not."""

from __future__ import annotations

import pytest

from services.enrich.domain.authors.bylines import called, names_in
from services.enrich.domain.html.page import read
from services.enrich.domain.text.plain_text import read as read_text
from shared.articles import Submission
from tests.unit.enrich.pages import BODY, TITLE, html_page, paragraphs_html

MENU = "<nav>" + "".join(f"<a href='/section-{number}'>Section</a> " for number in range(25)) + "</nav>"
ARTICLE = f"<article><h1>{TITLE}</h1>{paragraphs_html()}</article>"
DECLARED = '<script type="application/ld+json">{"@type": "NewsArticle", "author": {"name": "Henrike Moll"}}</script>'


def authors(body: str, head: str = "") -> tuple[str, ...]:
    return read(html_page(body, head).encode(), "text/html", "https://example.org/a").authors


@pytest.mark.parametrize("head", [DECLARED, "<meta name='author' content='Henrike Moll'>"])
def test_an_account_that_a_whole_page_never_shows_is_no_author(head: str) -> None:
    assert authors(MENU + ARTICLE, head) == ()
    byline = "<p class='byline'>By <b>Ada</b> <b>Quill</b></p>"
    assert authors(MENU + byline + ARTICLE, head) == ("Ada Quill",)


@pytest.mark.parametrize(
    "shown",
    [
        "<p>Henrike <b>Moll</b></p>",
        "<p>HENRIKE MOLL</p>",
        "<meta name='twitter:data1' content='Henrike Moll'>",
        "<meta property='og:site_name' content='The notes of Henrike Moll'>",
    ],
)
def test_an_author_that_the_page_or_its_card_shows_is_believed(shown: str) -> None:
    head, body = (shown, "") if shown.startswith("<meta") else ("", shown)
    assert authors(MENU + body + ARTICLE, DECLARED + head) == ("Henrike Moll",)


def test_a_name_in_a_script_is_not_shown() -> None:
    assert authors(MENU + "<script>var account = 'Henrike Moll'</script>" + ARTICLE, DECLARED) == ()


def test_an_article_without_its_page_keeps_its_declared_author() -> None:
    assert authors(ARTICLE, DECLARED) == ("Henrike Moll",)


def test_a_newsroom_that_is_declared_need_not_be_shown() -> None:
    assert authors(MENU + ARTICLE, DECLARED.replace("Henrike Moll", "Norholm News Desk")) == ("Norholm News Desk",)


@pytest.mark.parametrize(
    ("site", "account"),
    [
        ("TOUR-MAGAZIN.de", "Tour Magazin"),
        ("Walking slowly | Die FURCHE", "Die Furche"),
        ("harbour-herold.com", "Harbour Herold"),
        ("Norholm", "Norholm (www.norholm.example)"),
    ],
)
def test_a_site_that_only_machines_are_told_of_is_no_author(site: str, account: str) -> None:
    head = f"<meta property='og:site_name' content='{site}'><meta name='author' content='{account}'>"
    assert authors(MENU + f"<p>{account}</p>" + ARTICLE, head) == ()


def test_a_site_may_bear_its_authors_name() -> None:
    head = "<meta property='og:site_name' content='Wolfgang Amsel'>"
    assert authors(MENU + "<p class='byline'>Von: Wolfgang Amsel</p>" + ARTICLE, head) == ("Wolfgang Amsel",)


SIGNED = "<div class='entry-meta'>{} <time>3 May 2026</time></div>"
LINK = "<span class='author vcard'><a class='url fn n' rel='author' href='/author/{0}/'>{0}</a></span>"
HEADED = ARTICLE.replace("</h1>", "</h1>{}", 1)


def test_a_nickname_is_an_author_where_the_markup_says_so() -> None:
    assert authors(MENU + HEADED.format(SIGNED.format(LINK.format("gullwatcher")))) == ("gullwatcher",)


def test_a_byline_needs_no_by() -> None:
    byline = "<div class='author-name'><a href='/authors/ada-quill'>Ada Quill</a></div>"
    assert authors(MENU + HEADED.format(SIGNED.format(byline))) == ("Ada Quill",)


def test_several_authors_that_stand_together_are_all_named() -> None:
    links = " ".join(f"<a rel='author' href='/author/{name.lower()}'>{name} Quill</a>" for name in ("Anna", "Peter"))
    assert authors(MENU + HEADED.format(SIGNED.format(f"<p class='byline'>{links}</p>"))) == (
        "Anna Quill",
        "Peter Quill",
    )


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Dr. Ada Quill", "Ada Quill"),
        ("Prof. Dr. med. Ada van Quill", "Ada van Quill"),
        ("Mr John Quill", "John Quill"),
        ("Ms. Ada Quill", "Ada Quill"),
        ("Sra. Ana Quill", "Ana Quill"),
        ("डॉ. अनिल शर्मा", "अनिल शर्मा"),
        ("Ada Quill, PhD", "Ada Quill"),
        ("Ada Quill, M.D.", "Ada Quill"),
        ("Dr. Seuss", "Dr. Seuss"),
        ("Drew Barrel", "Drew Barrel"),
    ],
)
def test_forms_of_address_and_degrees_are_no_part_of_a_name(written: str, name: str) -> None:
    assert authors(ARTICLE, f"<meta name='author' content='{written}'>") == (name,)
    assert authors(ARTICLE, DECLARED.replace("Henrike Moll", written)) == (name,)
    assert authors(HEADED.format(f"<p class='byline'>By {written}</p>")) == (name,)
    text = read_text(f"{TITLE}\n\nBy {written}\n\n" + "\n\n".join(BODY), Submission())
    assert (text.authors, text.paragraphs) == ((name,), BODY)


@pytest.mark.parametrize("name", ["Madonna", "bell hooks", "Pelé", "danah boyd", "Plantu"])
def test_a_name_of_one_word_or_in_small_letters_is_believed_in_the_metadata(name: str) -> None:
    assert authors(ARTICLE, f"<meta name='author' content='{name}'>") == (name,)


@pytest.mark.parametrize("name", ["admin", "Example", "staff", "Redaktion"])
def test_one_word_of_the_site_or_a_role_is_no_author(name: str) -> None:
    assert authors(ARTICLE, f"<meta name='author' content='{name}'>") == ()


@pytest.mark.parametrize(
    ("line", "name"),
    [("रवीश कुमार, नई दिल्ली", "रवीश कुमार"), ("राजेश शर्मा, मुंबई", "राजेश शर्मा"), ("অমিত রায়, ঢাকা", "অমিত রায়")],
)
def test_the_place_behind_a_name_without_capitals_is_no_author(line: str, name: str) -> None:
    assert read_text(f"{TITLE}\n\n{line}\n\n14 March 2026\n\n" + "\n\n".join(BODY), Submission()).authors == (name,)


@pytest.mark.parametrize(
    "card",
    [
        ("Written by Ada Quill", "1.2K followers · 30 following", "Writer of clocks and towers."),
        ("About the author", "Ada Quill has written about clocks for twenty years and lives by the sea."),
        ("Ada Quill", "Reporter", "Ada has written about clocks for twenty years."),
        ("Über die Autorin", "Sie schreibt seit zwanzig Jahren über Uhren."),
    ],
)
def test_the_card_of_the_author_at_the_end_is_no_body(card: tuple[str, ...]) -> None:
    shown = "".join(f"<p>{line}</p>" for line in card)
    page = HEADED.format("<p class='byline'>By Ada Quill</p>").replace("</article>", f"{shown}</article>")
    assert read(html_page(page).encode(), "text/html", None).paragraphs == BODY
    text = "\n\n".join((TITLE, "By Ada Quill", *BODY, *card))
    assert read_text(text, Submission()).paragraphs == BODY


def test_a_name_above_an_answer_at_the_end_is_body() -> None:
    answer = ("Ada Quill", "We counted the strokes twice before we believed it.")
    text = "\n\n".join((TITLE, "By Ada Quill", *BODY, *answer))
    assert read_text(text, Submission()).paragraphs == (*BODY, *answer)


def test_a_line_with_the_address_of_its_author_is_no_body() -> None:
    body = HEADED.format("<p>Dr. Ada Quill</p>").replace("</article>", "<p>Dr. Ada Quill is a writer.</p></article>")
    found = read(html_page(body, "<meta name='author' content='Dr. Ada Quill'>").encode(), "text/html", None)
    assert (found.authors, found.paragraphs) == (("Ada Quill",), BODY)


@pytest.mark.parametrize("role", ["admin", "Editor", "Unknown", "Guest"])
def test_a_role_is_nobody(role: str) -> None:
    assert authors(MENU + HEADED.format(SIGNED.format(LINK.format(role)))) == ()


def test_an_account_to_which_structured_data_refers_is_found_by_its_id() -> None:
    graph = (
        '{"@graph": [{"@type": "Article", "author": {"@id": "#/person/1"}},'
        ' {"@type": "Person", "@id": "#/person/1", "name": "Anna Quill"}]}'
    )
    head = f'<script type="application/ld+json">{graph}</script><meta name="author" content="Anna Quill">'
    assert authors(MENU + "<p>Anna Quill</p>" + ARTICLE, head) == ("Anna Quill",)


def test_who_comments_is_no_author() -> None:
    comments = "".join(
        f"<div class='comment-author vcard'><cite class='fn'>{name}</cite></div>" for name in ("Tom Reed", "Jane Fox")
    )
    assert authors(MENU + ARTICLE + f"<div id='comments' class='comments'>{comments}</div>") == ()


def test_a_person_who_signs_goes_before_the_site_that_is_declared() -> None:
    declared = DECLARED.replace("Henrike Moll", "Norholm News")
    byline = "<p class='byline'>By <a rel='author' href='/author/anna-quill'>Anna Quill</a></p>"
    site = "<meta property='og:site_name' content='Norholm News'>"
    assert authors(MENU + HEADED.format(SIGNED.format(byline)), declared + site) == ("Anna Quill",)


def test_a_photographer_is_no_author() -> None:
    picture = "<figure><img src='/a.jpg'><figcaption>By Anna Quill</figcaption></figure>"
    assert authors(MENU + HEADED.format(picture)) == ()


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("Written by gullwatcher", ("gullwatcher",)),
        ("A column by Ada Quill", ("Ada Quill",)),
        ("Text: Ada Quill", ("Ada Quill",)),
        ("Dec. · Ada", ("Ada",)),
        ("Posted by", ()),
        ("https://norholm.example/", ()),
    ],
)
def test_what_a_byline_may_call_its_author(byline: str, names: tuple[str, ...]) -> None:
    assert called(byline) == names


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("View all posts by Ada Quill", ["Ada Quill"]),
        ("Zeige alle Beiträge von Ada Quill", ["Ada Quill"]),
        ("Por Ada Quill @adaquill -", ["Ada Quill"]),
        ("Par Ada Quill Ada Quill", ["Ada Quill"]),
        ("By Ada Quill and Jonas Ekdal", ["Ada Quill", "Jonas Ekdal"]),
        ("By Staff Reporter", []),
        ("News Desk", []),
        ("@newsdesk", []),
    ],
)
def test_names_in_a_byline(byline: str, names: list[str]) -> None:
    assert list(names_in(byline)) == names


@pytest.mark.parametrize("name", ["Tana Ganeva", "Yomi Kazeem", "Lizette Borreli", "Thandeka Gqubule", "松村太郎"])
@pytest.mark.parametrize("shown", ["<span class='author-name'>{}</span>", "<p>By {}</p>"])
def test_a_name_below_the_headline_needs_no_list_of_first_names(name: str, shown: str) -> None:
    line = shown.format(name) if name.isascii() else f"<p class='author'>{name}</p>"
    page = MENU + ARTICLE.replace("</h1>", f"</h1>{line}<p>5 March 2026</p>")
    assert authors(page) == (name,)


@pytest.mark.parametrize("text", ["Mary Baker March 17 at 5:33 PM", "Mary BakerMary Baker", "By Mary Baker Dec. 3"])
def test_a_name_is_clean_of_its_date_and_written_once(text: str) -> None:
    assert names_in(text) == ("Mary Baker",)
