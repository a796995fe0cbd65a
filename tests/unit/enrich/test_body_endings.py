# ruff: noqa: E501 (pages and their lines are data)
"""Tables, code, lists and answers at the end of an article stay; links to other articles do not."""

from __future__ import annotations

import pytest

from services.enrich.domain.html.page import read
from tests.unit.enrich.pages import BODY, TITLE, html_page
from tests.unit.enrich.test_body_structure import FOOTER, NAV, between


def ending(*parts: str) -> list[str]:
    """What is kept of these parts at the end of an article."""
    text = f"{''.join(f'<p>{one}</p>' for one in BODY)}{''.join(parts)}"
    page = html_page(f"{NAV}<main><article><h1>{TITLE}</h1>{text}</article></main>{FOOTER}", f"<title>{TITLE}</title>")
    found = list(read(page.encode(), "text/html", None).paragraphs)
    assert found[: len(BODY)] == list(BODY)
    return found[len(BODY) :]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<table><tr><th>Year</th><th>Boats</th></tr><tr><td>2024</td><td>40</td></tr><tr><td>2025</td><td>38</td></tr></table>",
         ["Year | Boats", "2024 | 40", "2025 | 38"]),
        ("<pre><code>from harbour import quay\n    depth = 4</code></pre>", ["from harbour import quay\n    depth = 4"]),
        ("<ul>What the keeper takes along:<li>Rope</li><li>A lamp</li></ul>", ["What the keeper takes along:", "Rope", "A lamp"]),
        ("<details><summary>What does the lamp cost?</summary><p>Thirty crowns in the first of the two years.</p></details>",
         ["What does the lamp cost?", "Thirty crowns in the first of the two years."]),
    ],
)  # fmt: skip
def test_tables_code_lists_and_answers_stay_at_the_end_of_an_article(markup: str, expected: list[str]) -> None:
    assert ending(markup) == expected


@pytest.mark.parametrize(
    "names", [["Python", ".NET", "Java"], ["Grey seal", "Harbour seal"], ["Quay 1", "Quay 2", "Quay 3"]]
)
def test_names_that_a_line_introduces_stay_although_they_are_links(names: list[str]) -> None:
    items = "".join(f"<li><a href='/{number}'>{name}</a></li>" for number, name in enumerate(names))
    assert between("<p>Start with one of these:</p>", f"<ul>{items}</ul>") == ["Start with one of these:", *names]


@pytest.mark.parametrize("label", ["Read more:", "Related stories:", "See also:"])
def test_links_to_other_articles_stay_out(label: str) -> None:
    items = "<li><a href='/a'>Storm takes the posts</a></li><li><a href='/b'>Council sells its boat</a></li>"
    assert "Storm takes the posts" not in between(f"<p>{label}</p>", f"<ul>{items}</ul>")
    assert "Storm takes the posts" not in ending(f"<p>{label}</p>", f"<ul>{items}</ul>")
