"""Recognises Markdown files and turns them into blocks of plain text. Raw HTML in them stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from services.enrich.domain.decoding import clean
from services.enrich.domain.markup.elements import HTML_TAGS, INLINE_TAGS
from services.enrich.domain.text.line_blocks import Block
from shared.articles import RemovedSpan
from shared.text_cleaning import remove_invisible

_FRONT_MATTER: Final = re.compile(r"\A\ufeff?\s*---[ \t]*\n((?:[A-Za-z][\w-]*[ \t]*:.*\n|[ \t]+.*\n|-.*\n|[ \t]*\n)+?)---[ \t]*(?:\n|\Z)")  # fmt: skip  # noqa: E501
_TOML: Final = re.compile(r"\A\ufeff?\s*\+\+\+[ \t]*\n((?:.*\n){0,200}?)\+\+\+[ \t]*(?:\n|\Z)")
_TOML_FIELD: Final = re.compile(r"([A-Za-z][\w-]*)[ \t]*=[ \t]*(.*)")
_NAMED: Final = re.compile(r"name[ \t]*:[ \t]*(.+)")
"""An author as an object: `- name: Ada Corlett`."""
_FOOTNOTE: Final = re.compile(r"\[\^[\w-]{1,40}\](?::\s)?")
_TASK: Final = re.compile(r"\A\[[ xX]\]\s+")
_HTML_TAG: Final = re.compile(r"</?(\w{1,12})\b[^<>]*>")
_FIELD: Final = re.compile(r"([A-Za-z][\w-]*)[ \t]*:[ \t]*(.*)")
_ITEM: Final = re.compile(r"[ \t]*-[ \t]+(.*)")
_HEADING_FIRST: Final = re.compile(r"\A\s*#{1,6}[ \t]+\S")
_SIGNS: Final = tuple(
    re.compile(sign, re.MULTILINE)
    for sign in (
        r"^#{1,6}[ \t]+\S",
        r"(?<!!)\[[^\]\n]{1,200}\]\((?:https?://|/|#|mailto:)[^)\s]*\)",
        r"!\[[^\]\n]{0,200}\]\([^)\s]+\)",
        r"^[ \t]*\|?[ \t]*:?-{3,}:?[ \t]*(?:\|[ \t]*:?-{3,}:?[ \t]*)+\|?[ \t]*$",
        r"^(?:```|~~~)",
        r"\*\*\S[^*\n]*\*\*",
        r"^\S.*\n(?:={3,}|-{3,})[ \t]*$",
    )
)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_MAX_MARKDOWN: Final = 400_000
_BETWEEN_CELLS: Final = " | "


@dataclass(frozen=True, slots=True)
class MarkdownDocument:
    """The blocks of a Markdown file, the fields of its front matter in lower case, and what was removed."""

    blocks: tuple[Block, ...]
    title: str
    fields: dict[str, tuple[str, ...]]
    removed: tuple[RemovedSpan, ...]


def read(text: str, *, declared: bool = False) -> MarkdownDocument | None:
    """The document, or None if the text is not Markdown.

    Unless it is declared, it needs front matter, a heading first, or two other signs.
    """
    front = _FRONT_MATTER.match(text) or _TOML.match(text)
    if (
        not declared
        and not front
        and not _HEADING_FIRST.match(text)
        and sum(sign.search(text) is not None for sign in _SIGNS) < 2
    ):
        return None
    fields = _fields(front[1]) if front else {}
    body = _COMMENT.sub("", text[front.end() : _MAX_MARKDOWN] if front else text[:_MAX_MARKDOWN])
    offset = text[: front.end()].count("\n") if front else 0
    tokens = _parser().parse(body)
    title = next(
        (_inline(tokens[i + 1])[0] for i, one in enumerate(tokens) if one.tag == "h1" and one.nesting == 1), ""
    )
    found: list[Block] = []
    removed: list[RemovedSpan] = []
    headings = {one.map[0] + 1 for one in tokens if one.type == "heading_open" and one.map}
    for line, content, alternatives in _lines(tokens):
        removed += [RemovedSpan(rule="image", text=alt, line=line + offset) for alt in alternatives if alt]
        if content:
            found.append(Block(content, line + offset, gap=True, is_heading=line in headings))
    return MarkdownDocument(tuple(found), next(iter(fields.get("title", ())), "") or title, fields, tuple(removed))


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def _lines(tokens: Sequence[Token]) -> Iterator[tuple[int, str, list[str]]]:
    """(line from 1, text, alternative texts of images) of each paragraph, heading, list item, table row and code."""
    cells: list[str] | None = None
    images: list[str] = []
    line = 1
    for token in tokens:
        line = token.map[0] + 1 if token.map else line
        if token.type == "tr_open":
            cells, images = [], []
        elif token.type == "tr_close" and cells is not None:
            yield line, _BETWEEN_CELLS.join(filter(None, cells)), images
            cells = None
        elif token.type == "inline":
            content, alternatives = _inline(token)
            if cells is None:
                yield line, content, alternatives
            else:
                cells.append(content)
                images += alternatives
        else:
            yield from ((line, text, []) for text in _literal_lines(token))


def _literal_lines(token: Token) -> list[str]:
    """The text of a code block, with its line ends, or of a block of HTML; empty for other tokens."""
    if token.type in {"fence", "code_block"}:
        return ["\n".join(map(str.rstrip, remove_invisible(token.content).strip("\n").split("\n")))]
    return _html_lines(token.content) if token.type == "html_block" else []


def _inline(token: Token) -> tuple[str, list[str]]:
    """(text without markup, alternative texts of images)."""
    parts: list[str] = []
    alternatives: list[str] = []
    for child in token.children or ():
        if child.type == "image":
            alternatives.append(" ".join(clean(child.content).split()))
        elif child.type in {"softbreak", "hardbreak"} or (child.type == "html_inline" and _is_html(child.content)):
            parts.append(" " if "break" in child.type or child.content[:3].lower() == "<br" else "")
        else:
            parts.append(child.content)
    return " ".join(clean(_TASK.sub("", _FOOTNOTE.sub("", "".join(parts)))).split()), alternatives


def _is_html(tag: str) -> bool:
    """Whether it is a tag of HTML or a comment, and not a character such as the `<` of `a <stop> sign`."""
    name = _HTML_TAG.match(tag)
    return tag.startswith("<!--") or (name is not None and name[1].lower() in HTML_TAGS)


def _html_lines(markup: str) -> list[str]:
    """The texts of a block of HTML, which Markdown may hold."""
    text = _HTML_TAG.sub(lambda tag: _line_end(tag[0], tag[1].lower()), " ".join(markup.split()))
    return [line for part in text.split("\n") if (line := " ".join(clean(unescape(part)).split()))]


def _line_end(tag: str, name: str) -> str:
    if name not in HTML_TAGS:
        return tag
    return "" if name in INLINE_TAGS else "\n"


def _fields(text: str) -> dict[str, tuple[str, ...]]:
    """Keys and values of simple YAML: scalars, `[a, b]` and lists of one level."""
    found: dict[str, tuple[str, ...]] = {}
    key = ""
    for line in text.split("\n"):
        if match := _FIELD.fullmatch(line) or _TOML_FIELD.fullmatch(line):
            key, value = match[1].lower(), match[2].strip()
            is_list = value.startswith("[") and value.endswith("]")
            parts = value[1:-1].split(",") if is_list else [value]
            found[key] = tuple(part for raw in parts if (part := raw.strip().strip("\"'")))
        elif key and (match := _ITEM.fullmatch(line)):
            value = named[1] if (named := _NAMED.fullmatch(match[1].strip())) else match[1]
            found[key] += tuple(filter(None, (value.strip().strip("\"'"),)))
    return found
