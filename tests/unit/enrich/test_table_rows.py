"""Table rows: one block per data row, layout tables unchanged, and the context features of blocks."""

from __future__ import annotations

from lxml.html import document_fromstring

from services.enrich.domain.markup.block_context import CONTEXT_NAMES, block_kinds, context_features
from services.enrich.domain.markup.blocks import html_blocks
from services.enrich.domain.markup.candidates import EngineText, Evidence, find_candidates
from services.enrich.domain.markup.table_rows import join_table_rows

_LONG = "This cell holds a whole paragraph of the page and not a number. " * 5


def _texts(body: str) -> list[str]:
    return [block.text for block in join_table_rows(html_blocks(document_fromstring(f"<html><body>{body}")))]


def test_cells_of_a_data_row_are_one_block() -> None:
    table = "<table><tr><th>Town</th><th>People</th></tr><tr><td>Oulu</td><td><p>216,000</p></td></tr></table>"
    assert _texts(f"<p>Before.</p>{table}<p>After.</p>") == ["Before.", "Town | People", "Oulu | 216,000", "After."]


def test_a_row_with_a_long_cell_is_layout_and_stays_in_pieces() -> None:
    assert _texts(f"<table><tr><td>Menu</td><td>{_LONG}</td></tr></table>") == ["Menu", _LONG.strip()]


def test_a_row_of_many_cells_stays_in_pieces() -> None:
    cells = "".join(f"<td>{number}</td>" for number in range(21))
    assert len(_texts(f"<table><tr>{cells}</tr></table>")) == 21


def test_cells_outside_a_table_and_rows_apart_are_not_joined() -> None:
    rows = "<table><tr><td>one</td></tr><tr><td>two</td></tr></table>"
    assert _texts(f"<div><p>left</p><p>right</p></div>{rows}") == ["left", "right", "one", "two"]


def test_context_features_of_heading_copies_and_article() -> None:
    text = "The ferry to the island leaves at nine every morning."
    page = (
        f"<article><h1>Ferries of the northern coast</h1><p>{text}</p></article>"
        f"<article><h2>Subscribe to our newsletter</h2><p>{text}</p><pre>a line of code to be copied</pre></article>"
    )
    blocks = html_blocks(document_fromstring(f"<html><body>{page}"))
    found = find_candidates(blocks, Evidence(EngineText.of(""), EngineText.of(""), ""))
    rows = [dict(zip(CONTEXT_NAMES, row, strict=True)) for row in context_features(found, block_kinds(found)).tolist()]
    first, second, code = rows[1], rows[3], rows[4]
    assert (first["heading_above_level"], first["heading_above_boilerplate"], first["article"]) == (1, 0, 0)
    assert (second["heading_above_level"], second["heading_above_boilerplate"], second["article"]) == (2, 1, 1)
    assert (first["again"], second["again"], code["again"]) == (1, 1, 0)
    assert (first["in_pre"], code["in_pre"]) == (0, 1)
    assert {row["articles"] for row in rows} == {2}


def test_boilerplate_stems_are_counted_up_to_three_without_overlaps() -> None:
    texts = [
        "An editor’s note: contact us by email",
        "The chief editors note these four words",
        "Share by e-mail, Facebook, Twitter and WhatsApp",
        "Email, editor",
        "s note that this is another block of text",
        "No such words stand in this text",
    ]
    blocks = html_blocks(document_fromstring("".join(f"<p>{text}</p>" for text in texts)))
    found = find_candidates(blocks, Evidence(EngineText.of("Email, editor"), EngineText.of(""), ""))
    at = CONTEXT_NAMES.index("boilerplate_words")
    assert context_features(found, block_kinds(found))[:, at].tolist() == [3, 0, 3, 1, 0, 0]


def test_shares_of_words_are_the_same_however_a_text_is_written() -> None:
    plain = "We told you: YOUR ferry, our Ferry (my dear I) leaves us at nine."
    texts = [plain, plain.replace(" dear", "’dear"), plain.replace("dear", "Äéa"), plain.replace("dear", "Ωδ")]
    blocks = html_blocks(document_fromstring("".join(f"<p>{text}</p>" for text in texts)))
    found = find_candidates(blocks, Evidence(EngineText.of(""), EngineText.of(""), ""))
    columns = [CONTEXT_NAMES.index(name) for name in ("addresses_reader", "capitals")]
    shares = context_features(found, block_kinds(found))[:, columns].tolist()
    assert shares[0] == [7 / 14, 4 / 14]
    assert shares[1] == [7 / 13, 4 / 13]
    assert shares[2] == shares[3] == [7 / 14, 5 / 14]


def test_embedded_json_is_no_candidate_and_code_is() -> None:
    data = '{"layout": 4, "button": "Buy this fine thing now"}'
    blocks = html_blocks(
        document_fromstring(f"<html><body><div>{data}</div><pre>{data}</pre><p>{{Four words of text}}</p>")
    )
    found = find_candidates(blocks, Evidence(EngineText.of(""), EngineText.of(""), ""))
    assert [item.block.place.tag for item in found] == ["pre", "p"]
