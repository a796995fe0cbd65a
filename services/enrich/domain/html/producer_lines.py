"""Removes text that publishing software adds to feed items: links back to the page, sharing and sign-up blocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from lxml.html import HtmlElement  # type: ignore[import-untyped]

_WORDPRESS: Final = (
    r"(?:the post|der beitrag|l[’']article|la entrada|o post|o artigo|l[’']articolo|het bericht|artykuł|запись|"
    r"inlägget|indlægget|innlegget|příspěvek|сообщение) .{1,400}? (?:(?:first )?appeared (?:first )?(?:on|in)|"
    r"erschien (?:zuerst )?auf|(?:est apparu|apparaît) en premier sur|(?:aparece primero|se publicó primero) en|"
    r"apareceu primeiro em|proviene da|verscheen eerst op|pochodzi z serwisu|впервые появилась|"
    r"появились сначала на|dök först upp på|"
    r"blev først udgivet på|dukket først opp på|nejdříve na) .{1,200}|"
    r"投稿 .{1,400} は .{1,200} に最初に表示されました.{0,5}"
)
_MEDIUM: Final = (
    r".{1,400} was originally published in .{1,200} on Medium, "
    r"where people are continuing the conversation.{0,80}"
)
_DISCOURSE: Final = r"\d+ posts? [-–] \d+ participants?|read full topic"
_REDDIT: Final = (
    r"submitted by /?u/\S+(?: to /?r/\S+)?\s*(?:\[link\]\s*)?(?:\[\d* ?comments\])?|\[link\]\s*\[\d* ?comments\]"
)
_HACKER_NEWS: Final = r"(?:article|comments) url: \S+|points: \d+|# ?comments: \d+"
_SUBSTACK: Final = (
    r"thanks for reading .{1,200}|.{1,200} is a (?:reader-supported|free) publication\b.{0,300}|subscribe now|"
    r"read (?:more )?(?:on|in) substack|share .{1,80} with (?:a friend|friends).{0,40}|give a gift subscription"
)
_PODCAST: Final = (
    r"hosted (?:on acast\b|by simplecast\b).{0,250}|learn more about your ad choices\b.{0,120}|"
    r"see (?:omnystudio\.com/listener|pcm\.adswizz\.com|acast\.com/privacy) for .{1,160}|"
    r"see privacy policy at https?://art19\.com/.{1,160}|"
    r"(?:support this podcast|advertising inquiries|privacy & opt-out|send us (?:a text|fan mail))"
    r"(?::? https?://\S+| .{0,40})?|"
    r"this is a public episode\. if you.{1,200}|get full access to .{1,200} at \S+/subscribe"
)
_FORUM: Final = (
    r"statistics: posted by .{1,160}|submitted by \S{1,80} to \S{1,80}\s+\d+ points? \| \d+ comments?|"
    r"(?:-- ?)?delivered by .{1,60} service"
)
_ANYWHERE: Final = re.compile(
    f"{_MEDIUM}|{_DISCOURSE}|{_REDDIT}|{_HACKER_NEWS}|{_SUBSTACK}|{_PODCAST}|{_FORUM}", re.IGNORECASE
)
_SUFFIX: Final = re.compile(rf"(?:^|(?<=[.!?…»”\"\]]))\s*(?:{_WORDPRESS}|{_REDDIT}|{_PODCAST})\s*$", re.IGNORECASE)
"""The same at the end of a paragraph, for excerpts in one paragraph."""
_SENTENCE_ENDS: Final = (".", "!", "?", "…", "。", "।")
_EXCERPT_MARKS: Final = ("[…]", "[...]")
_MORE: Final = (
    r"(?:continue reading|read more|read the (?:rest|full|whole)(?: of)?(?: this)?(?: entry| post| story| article)?|"
    r"keep reading|weiterlesen|mehr lesen|lire la suite|leer más|leia mais|continua a leggere|lees verder|"
    r"czytaj (?:dalej|więcej)|читать (?:далее|полностью|дальше)|подробнее|"
    r"続きを読む|もっと見る|阅读全文|查看全文|閱讀全文|"
    r"더 ?보기|leggi (?:tutto|anche tutto|di più|l[’']articolo)|seguir leyendo|sigue leyendo|continuar leyendo|"
    r"continue lendo|ler mais|saiba mais|lire plus|en savoir plus|meer lezen|läs mer|läs hela|les mer|læs mere|"
    r"lue lisää|číst (?:více|dále)|celý článek|čítať ďalej|tovább|devamını oku|devamı|citește mai (?:mult|departe)|"
    r"читати далі|детальніше|διαβάστε περισσότερα|اقرأ المزيد|ادامه مطلب|קרא עוד|और पढ़ें|đọc tiếp|xem thêm|อ่านต่อ)"
)
_CONTINUED: Final = re.compile(_MORE, re.IGNORECASE)
_LINKED: Final = re.compile(_WORDPRESS, re.IGNORECASE)
_CLOSING: Final = re.compile(
    rf"{_WORDPRESS}|{_MORE}|read more of this story at slashdot|"
    r"comments|permalink|share this(?: post)?:?|related(?: posts)?:?|leave a comment|"
    r"(?:this (?:article|post|story|piece|episode) )?(?:was )?(?:originally|first) (?:published|posted|appeared) "
    r"(?:at|on|in|by) .{1,250}",
    re.IGNORECASE,
)
"""Only at the end: elsewhere these words may be part of the article."""
_CLOSING_LINK: Final = re.compile(
    rf"{_MORE}.{{0,200}}|(?:view|read|see) (?:the )?(?:original|full|entire|rest of (?:the|this))\b.{{0,120}}|"
    r"discuss.{0,40}|listen (?:now|on \S.{0,60})|comment on .{1,120}",
    re.IGNORECASE,
)
_LABELS: Final = re.compile(
    r"(?:permalink|e-?mail this(?: \w+)?|(?:(?:\d+|no) |leave a )?comments?(?: \(\d+\)?)?|posted in .{1,80}|print|"
    r"tweet|(?:filed under|tagged|tags):? .{1,100}|share(?: this)?|trackback(?: url)?)",
    re.IGNORECASE,
)
_BETWEEN_LABELS: Final = re.compile(r"\s*[|·•]\s*")
_CLOSING_WITH_LINK: Final = re.compile(
    rf"{_MORE} (?:at|on|in|from|auf|bei|sur|en|su|op|na|на) .{{1,80}}", re.IGNORECASE
)
_MORE_LINK: Final = re.compile(
    rf"(?:[\[(]|\.\.\.|…)?\s*(?:{_MORE}|more)(?:\s+.{{0,160}}?(?=\s*[→»…›]|\.\.\.))?\s*(?:[→»…›]|\.\.\.)?\s*[\])]?",
    re.IGNORECASE,
)
_ELEMENT: Final = re.compile(
    r"(?:sharedaddy|sd-sharing\S*|jp-relatedposts\S*|jp-post-flair|wpcnt|addtoany\S*|a2a_\S+|heateor\S*|shareaholic\S*|"
    r"feedflare|blogger-post-footer|subscription-widget\S*|subscribe-widget|subscribe-footer|button-wrapper|captioned-button-wrap|"
    r"kg-signup-card\S*|wp-block-jetpack-subscriptions\S*|jetpack_subscription\S*|mc4wp\S*|yarpp\S*|"
    r"wp-block-social-links?|swp_\S+|essb_\S+|crp_related|related-?posts?|relpost\S*|ssba\S*|addthis\S*|sharethis\S*|"
    r"share-?(?:buttons?|bar|box|icons?|links?|post|this)|social-(?:buttons?|icons?|links?|shar(?:e|ing))|more-link|"
    r"read-?more(?:-link)?|continue-reading|(?:newsletter|email)-(?:box|form|sign-?up|widget)|comments-link|"
    r"digest-post-embed|poll-embed|install-substack-app-embed|community-chat|screen-reader-text|sr-only|"
    r"visually-hidden|field--name-(?:title|uid|created|changed))",
    re.IGNORECASE,
)


def remove_producer_elements(tree: HtmlElement) -> None:
    """Remove, in place, sharing blocks, sign-up widgets and "continue reading" links at the end of their paragraph."""
    for element in [element for element in tree.iter() if _is_producer_element(element)]:
        if element.getparent() is not None:
            element.drop_tree()


def _is_producer_element(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag in {"html", "body"}:
        return False
    names = f"{element.get('class') or ''} {element.get('id') or ''}".split()
    if any(_ELEMENT.fullmatch(name) for name in names):
        return True
    if element.tag != "a" or (element.tail or "").strip(" .]\n") or element.getnext() is not None:
        return False
    return _MORE_LINK.fullmatch(" ".join(element.text_content().split())) is not None


def is_producer_line(text: str, has_link: bool) -> bool:
    """Whether a paragraph is a sentence of publishing software, wherever it stands. `has_link`: it holds a link."""
    bare = text.strip()
    return _ANYWHERE.fullmatch(bare) is not None or (has_link and _LINKED.fullmatch(bare) is not None)


def is_closing_line(text: str, *, is_link: bool, has_link: bool) -> bool:
    """Whether a paragraph at the end of a text leads back to the page or away from it. `is_link`: all of it is one."""
    bare = text.strip(" .→»›…[]()")
    labels = _BETWEEN_LABELS.split(bare)
    if (has_link or len(labels) > 1) and all(map(_LABELS.fullmatch, labels)):
        return True
    if has_link and _CLOSING_WITH_LINK.fullmatch(bare):
        return True
    return _CLOSING.fullmatch(bare) is not None or (is_link and _CLOSING_LINK.fullmatch(bare) is not None)


def without_producer_suffix(text: str, has_link: bool) -> str:
    """The paragraph without such a sentence at its end, and with an ellipsis for `[…]`. `has_link`: it holds a link."""
    is_excerpt = has_link or any(mark in text for mark in _EXCERPT_MARKS)
    shortened = _SUFFIX.sub("", text).rstrip() if is_excerpt else text
    return _without_excerpt_mark(shortened)


def _without_excerpt_mark(text: str) -> str:
    for mark in _EXCERPT_MARKS:
        if text.endswith(mark):
            text = text.removesuffix(mark).rstrip()
            text += "" if text.endswith(_SENTENCE_ENDS) else "…"
    return text


def plain_text_without_producer_lines(paragraphs: Sequence[str], title: str) -> tuple[list[str], list[str]]:
    """The paragraphs of a plain text without what is certainly of publishing software, and what was removed.

    Plain text has no links, so "The post ... appeared first on ..." must name the title.
    """
    kept: list[str] = []
    removed: list[str] = []
    for text in paragraphs:
        if is_producer_line(text, has_link=False):
            removed.append(text)
            continue
        suffix = _SUFFIX.search(text)
        end = len(text)
        if suffix and suffix.start() and (not _LINKED.search(suffix[0]) or _names(suffix[0], title)):
            end = suffix.start()
            removed.append(text[end:].strip())
        kept.append(_without_excerpt_mark(text[:end].rstrip()))
    while len(kept) > 1 and _is_plain_closing(kept[-1], title):
        removed.append(kept.pop())
    return kept, removed


def _is_plain_closing(text: str, title: str) -> bool:
    bare = text.strip(" .→»›…[]()")
    return _CONTINUED.fullmatch(bare) is not None or (_LINKED.fullmatch(bare) is not None and _names(bare, title))


def _names(text: str, title: str) -> bool:
    return bool(title) and " ".join(title.casefold().split()) in " ".join(text.casefold().split())
