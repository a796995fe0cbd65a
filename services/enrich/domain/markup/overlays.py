"""Removes consent dialogs and other overlays, which are never part of an article."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from lxml.html import HtmlElement  # type: ignore[import-untyped]

_TAGS: Final = ("div", "section", "aside", "form", "footer", "header", "dialog")
_DIALOGS: Final = frozenset(["dialog", "alertdialog"])
_CONSENT: Final = re.compile(
    r"cookie[-_ ]?(?:banner|bar|box|consent|container|control|dialog|disclaimer|info|law|layer|message|modal|monster|"
    r"note|notice|notification|overlay|panel|pol(?:icy|icies)|popup|preference|prompt|setting|wall|warning|wrapper|yes)s?|"
    r"(?:accept|allow|eu|manage|our|use|we-use)[-_ ]?cookies?|(?:^|[\s#])cookies?(?:$|\s)|"
    r"cookie(?:bot|hub|first|script)|cybot|consent(?!ing)|gdpr|ccpa|onetrust|didomi|usercentrics|truste\b|trustarc|"
    r"qc-cmp|sp_message|iubenda|borlabs|klaro|osano|tarteaucitron|axeptio|quantcast|"
    r"(?:^|[-_\s])cmp(?:box|\s|$|[-_ ](?:accept|app|banner|layer|modal|notice|overlay|popup|wall|wrapper))|"
    r"cc-(?:window|banner)|"
    r"privacy[-_ ]?(?:banner|bar|center|dialog|layer|manager|modal|notice|overlay|popup|preference|setting|wall)",
    re.IGNORECASE,
)
_CONSENT_PARTS: Final = (
    "cookie", "consent", "privacy", "cmp", "gdpr", "ccpa", "cybot", "onetrust", "didomi", "usercentrics", "trust",
    "sp_message", "iubenda", "borlabs", "klaro", "osano", "tarteaucitron", "axeptio", "quantcast", "cc-",
)  # fmt: skip
"""Every name that `_CONSENT` matches holds one of these; few others do."""
_ABOUT_CONSENT: Final = re.compile(
    r"cookies?\b|consent|einwillig|datenschutz|personal data|personenbezogen|privacy|privacidad|privacidade|"
    r"confidentialit|données personnelles|datos personales|dados pessoais|gdpr|tracking|согласи|файлы cookie|"
    r"クッキー|同意",
    re.IGNORECASE,
)
_ACCEPT: Final = re.compile(
    r"\W*(?:i )?(?:accept|agree|allow|consent|akzeptieren|zustimmen|alle akzeptieren|alle cookies akzeptieren|accepter|"
    r"tout accepter|j.accepte|aceptar|aceptar todo|acepto|accetta|accetta tutto|accetto|aceitar|aceitar todos|"
    r"accepteren|alles accepteren|akkoord|принять|принять все|akceptuję|zgadzam się|kabul et|tümünü kabul et|"
    r"同意する|同意|接受|موافق|동의)"
    r"(?: (?:all|everything|and (?:close|continue)|cookies|all cookies|& (?:close|continue)))?\W*",
    re.IGNORECASE,
)
_MAX_NOTICE: Final = 2_000
_MAX_NAME: Final = 200
_MAX_CHARACTERS: Final = 6_000
_MAX_SHARE: Final = 0.5
"""A dialog with more of the page's text may hold the article: some sites open articles in one."""


def remove_overlays(tree: HtmlElement) -> None:
    """Remove, in place, dialogs and the notices about cookies and consent; elements that hold the article stay."""
    _remove_unnamed_notices(tree)
    suspects = [element for element in tree.iter(*_TAGS) if _is_dialog(element) or _is_named_consent(element)]
    if not suspects:
        return
    total = len(_text(tree))
    for element in suspects:
        text = _text(element)
        if len(text) > _MAX_SHARE * total or element.getparent() is None or _holds_article(element):
            continue
        if _is_dialog(element) or (len(text) <= _MAX_CHARACTERS and _ABOUT_CONSENT.search(text)):
            element.drop_tree()


def _remove_unnamed_notices(tree: HtmlElement) -> None:
    """Remove notices about consent that only their button gives away."""
    for button in [one for one in tree.iter("button") if _ACCEPT.fullmatch(" ".join(_text(one).split())[:_MAX_NAME])]:
        notice = None
        for around in button.iterancestors(*_TAGS):
            text = _text(around)
            if len(text) > _MAX_NOTICE or _holds_article(around) or around.tag in {"article", "main"}:
                break
            notice = around if _ABOUT_CONSENT.search(text) else notice
        if notice is not None and notice.getparent() is not None:
            notice.drop_tree()


def _text(element: Any) -> str:
    return "".join(element.itertext())


def _holds_article(element: Any) -> bool:
    return next(element.iter("article", "main", "h1"), None) is not None


def _is_dialog(element: Any) -> bool:
    return element.get("role") in _DIALOGS or element.get("aria-modal") == "true"


def _is_named_consent(element: Any) -> bool:
    get = element.get
    # Without a loop: it runs for every container of a page.
    return _suggests_consent(get("class")) or _suggests_consent(get("id")) or _suggests_consent(get("aria-label"))


@lru_cache(maxsize=8_192)
def _suggests_consent(name: str | None) -> bool:
    if not name:
        return False
    lower = name[:_MAX_NAME].lower()
    return any(map(lower.__contains__, _CONSENT_PARTS)) and _CONSENT.search(lower) is not None
