from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.domain.language import detection
from services.enrich.domain.tags import normalise
from services.enrich.domain.terms import words
from services.enrich.domain.terms.keyphrases import keyphrases
from services.enrich.domain.terms.signature import signature
from services.enrich.domain.terms.summary import sentences, summarise
from services.enrich.domain.text.headers import distance, is_recommended_header
from shared.identity.languages import canonical_language
from shared.identity.slugs import slugify
from tests.unit.enrich.pages import BODY, TITLE


@pytest.mark.parametrize(
    ("labels", "slugs"),
    [
        (
            ["#WorldNews", "World News", "world-news", "world_news", "ＷｏｒｌｄＮｅｗｓ", " World  News "],
            ["world-news"],
        ),
        (["#USElections", "US elections"], ["us-elections"]),
        (["#Covid19", "COVID-19", "coronavirus"], ["covid-19"]),
        (["US", "U.S.", "usa", "United States", "#US"], ["united-states"]),
        (["UK", "United Kingdom", "EU", "European Union"], ["united-kingdom", "european-union"]),
        (["Elections", "election", "Policies", "policy", "churches", "Church"], ["elections", "policies", "churches"]),
        (["news", "new", "US politics", "arts", "art"], ["news", "new", "us-politics", "arts", "art"]),
        (["e-commerce", "ecommerce", "Data centre", "datacentre"], ["e-commerce", "data-centre"]),
        (["Harbour Rescue League (HRL)", "HRL"], ["harbour-rescue-league"]),
        (["HRL", "Harbour Rescue League"], ["harbour-rescue-league"]),
        (["Tram", "Trams", "Tramway"], ["tram", "tramway"]),
        (["Élections", "elections"], ["elections"]),
        (["Arts & Culture", "#ArtsAndCulture"], ["arts-and-culture"]),
        (
            ["YouTube", "iPhone", "McDonald", "NATO", "#EUSummit"],
            ["youtube", "iphone", "mcdonald", "nato", "eu-summit"],
        ),
        (["世界", "Новости мира", "हिन्दी"], ["世界", "новости-мира", "हिन्दी"]),
        (["", "#", "🎉", " / ", "a" * 500], []),
    ],
)
def test_tags(labels: list[str], slugs: list[str]) -> None:
    assert [tag.slug for tag in normalise(labels)] == slugs


def test_labels_read_well_and_tags_are_capped() -> None:
    labels = ["world-news", "#WorldNews", "house of lords", "NATO"]
    assert [tag.label for tag in normalise(labels)] == ["World News", "House of Lords", "NATO"]
    assert len(normalise(f"tag {i}" for i in range(1000))) == 200


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Ukraine’s Bold Moves", "ukraines-bold-moves"),
        ("Größe & Straße: søster łódź", "grosse-and-strasse-soster-lodz"),
        ("Что случилось?", "что-случилось"),
        ("東京の朝", "東京の朝"),
        ("!!!", "article"),
        ("a/b#c?d%e", "a-b-c-d-e"),
    ],
)
def test_slugs(title: str, slug: str) -> None:
    assert slugify(title) == slug


@given(st.text(max_size=300))
def test_slugs_are_always_safe(title: str) -> None:
    slug = slugify(title)
    assert 0 < len(slug) <= 80
    assert re.fullmatch(r"[^\s/#?%&]+", slug)


def test_long_titles_are_cut_between_words() -> None:
    slug = slugify("clock " * 40)
    assert len(slug) <= 80
    assert set(slug.split("-")) == {"clock"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (" ".join(BODY), "en"),
        ("Der Bürgermeister versprach am Montag, dass die Uhr bis Freitag wieder richtig gehen werde.", "de"),
        ("Le maire a promis lundi que l'horloge de la tour serait réparée avant vendredi.", "fr"),
        ("Мэр пообещал в понедельник, что часы на башне починят до пятницы.", "ru"),
        ("Meya uthembise ngoMsombuluko ukuthi iwashi lombhoshongo lizolungiswa ngaphambi kukaLwesihlanu.", "zu"),
        ("Ordføreren lovet mandag at klokken i tårnet skulle gå riktig igjen innen fredag, men ikke før.", "nb"),
        ("市長は月曜日に、塔の時計は金曜日までに直ると約束した。", "ja"),
        ("ከንቲባው ሰኞ ዕለት የማማው ሰዓት እስከ አርብ እንደሚጠገን ቃል ገቡ።", "am"),
        ("Fog", "und"),
        ("12345 !!", "und"),
        ("", "und"),
    ],
)
def test_languages(text: str, code: str) -> None:
    assert detection.detect(text).tag == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mayor promises", "en"),  # Spanish by its letters
        ("saat kulesi", "tr"),
        ("goreng pisang", "id"),
        ("puso e ntšhwa", "tn"),  # Tswana, which py3langid does not know
        ("abantu abaninzi", "xh"),
    ],
)
def test_languages_of_two_or_three_words(text: str, code: str) -> None:
    assert detection.classify(text).tag == code


@pytest.mark.parametrize(
    ("tag", "normal"),
    [
        ("EN_us", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ('xx-"><script>', None),
        ("english", None),
        ("", None),
    ],
)
def test_language_tags(tag: str, normal: str | None) -> None:
    assert canonical_language(tag) == normal


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Dr. Lind paid 3.5 crowns. She left.", ["Dr. Lind paid 3.5 crowns.", "She left."]),
        ("It opened on Jan. 5 in the U.S. Senate. He won.", ["It opened on Jan. 5 in the U.S. Senate.", "He won."]),
        ("He lives in the U.S. The house is old.", ["He lives in the U.S.", "The house is old."]),
        ("J. K. Smith spoke. “Is it?” she asked. No!", ["J. K. Smith spoke.", "“Is it?” she asked.", "No!"]),
        ("Am 3. Mai begann es. Es regnete.", ["Am 3. Mai begann es.", "Es regnete."]),
        (
            "At 9 a.m. the bell rang. Then at 5 p.m. It rang again.",
            ["At 9 a.m. the bell rang.", "Then at 5 p.m.", "It rang again."],
        ),
        ("鐘が鳴った。人々は驚いた。", ["鐘が鳴った。", "人々は驚いた。"]),
        ("", []),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


def test_the_summary_is_made_of_own_sentences_in_order() -> None:
    text = summarise(TITLE, BODY, "en")
    chosen = sentences(text)
    own = [sentence for paragraph in BODY for sentence in sentences(paragraph)]
    assert len(text.split()) <= 60
    assert [sentence for sentence in own if sentence in chosen] == chosen
    assert chosen[0] == own[0]


def test_a_summary_of_one_endless_sentence_is_cut() -> None:
    text = summarise("T", ["word " * 500], "en")
    assert text.endswith("…")
    assert len(text.split()) == 60
    assert len(summarise("T", ["x" * 3_000_000], "en")) <= 601
    assert summarise("T", [], "en") == ""


def test_keyphrases_are_distinct_and_weighted() -> None:
    found = keyphrases("\n\n".join((TITLE, *BODY)), "en")
    assert 3 <= len(found) <= 12
    assert [item.weight for item in found] == sorted((item.weight for item in found), reverse=True)
    assert all(0 < item.weight <= 1 for item in found)
    assert len({item.phrase.lower() for item in found}) == len(found)
    assert all(len(item.phrase.split()) <= 3 for item in found)


@pytest.mark.parametrize(
    ("language_tag", "text", "wanted"),
    [
        (
            "de",
            (
                "Turmuhr steht seit Mai still\n\nDie Turmuhr von Eichstadt geht nicht mehr. Der Bürgermeister "
                "versprach, die Turmuhr bis Freitag reparieren zu lassen. Ein Uhrmacher aus Basel sucht ein Zahnrad."
            ),
            "Turmuhr",
        ),
        (
            "fr",
            (
                "L'horloge de la tour s'est arrêtée\n\nDepuis mai, l'horloge ne sonne plus. Le maire promet que "
                "l'horloge sonnera vendredi. Un horloger de Besançon cherche une roue dentée."
            ),
            "horloge",
        ),
        (
            "pt",
            (
                "Relógio da torre parou em maio\n\nO relógio da torre já não toca. O presidente da câmara diz que o "
                "relógio volta a tocar na sexta-feira. Um relojoeiro do Porto procura uma roda dentada."
            ),
            "relógio",
        ),
    ],
)
def test_keyphrases_name_what_a_text_speaks_of(language_tag: str, text: str, wanted: str) -> None:
    phrases = [item.phrase for item in keyphrases(text, language_tag)]
    assert wanted in (phrase.lower() if wanted.islower() else phrase for phrase in phrases[:3])


@pytest.mark.parametrize(
    ("language_tag", "word"),
    [("en", "the"), ("pt-BR", "dr"), ("cs", "protože"), ("nn", "ikke"), ("sk", "avšak"), ("lt", "šalia")],
)
def test_each_language_has_its_stop_words(language_tag: str, word: str) -> None:
    assert word in words.stop_words(language_tag)


def test_a_code_of_three_letters_is_not_the_language_of_its_first_two() -> None:
    assert words.stop_words("fil") == words.stop_words("und") != words.stop_words("fi")


def test_parsers_do_not_load_the_program_that_the_stop_words_come_with() -> None:
    code = "import sys, services.enrich.adapters.parser_child; print('networkx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


def test_no_keyphrase_reaches_over_a_stop_or_a_possessive_or_begins_with_a_stop_word() -> None:
    text = "Anna Lind's lighthouse. Keepers of the lighthouse left. Anna Lind stayed. Anna Lind keeps the lighthouse."
    phrases = {item.phrase.lower() for item in keyphrases(text, "en")}
    assert "anna lind" in phrases
    assert not phrases & {"lind lighthouse", "lighthouse keepers", "the lighthouse", "of the lighthouse"}


@pytest.mark.parametrize("text", ["", "...", "x" * 100_000, "a " * 50_000, "\u0301" * 10_000, "1 2 3"])
def test_keyphrases_of_odd_texts(text: str) -> None:
    assert len(keyphrases(text, "und")) <= 12


def test_counts() -> None:
    assert words.count("It's a well-known fact — 3.5 of 10.") == 7
    assert [words.reading_minutes("word " * n) for n in (0, 230, 231, 2300)] == [1, 1, 2, 10]


def test_the_signature_holds_the_heaviest_terms() -> None:
    found = signature("The harbour", "The ferry, a ferry and the harbour: ferry 2026 ferries don't", "en")
    assert found == (("ferry", 4.0), ("harbour", 3.0))
    assert len(signature("", " ".join(f"term{i} term{i}" for i in range(500)), "en")) == 60


@pytest.mark.parametrize(
    ("left", "right", "edits"), [("", "abc", 3), ("recomended", "recommended", 1), ("ab", "ba", 1), ("a", "a", 0)]
)
def test_edit_distance(left: str, right: str, edits: int) -> None:
    assert distance(left, right) == edits


@pytest.mark.parametrize(
    "text", ["Relates", "Trend", "Recommended by nine out of ten doctors in town", "Read text.", "A"]
)
def test_headers_are_not_guessed_too_freely(text: str) -> None:
    assert not is_recommended_header(text)
