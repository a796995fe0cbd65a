"""Rules for boilerplate lines: navigation, advertising, share buttons, newsletters, credits, legal notes.

Each rule matches a whole line. Patterns are anchored at both ends or bounded in length, so sentences about newsletters
or advertising stay in the body. A line that no rule matches is body. The phrases are in `phrases.toml`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from services.enrich.domain.dates import is_reading_time
from services.enrich.domain.phrases import alternatives, exact, fold, open_ended
from services.enrich.domain.sections import canonical
from services.enrich.domain.text.headers import is_read_also_header, is_recommended_header, is_stream_header

_LIMIT: Final = 240
_MAX_OPEN_WORDS: Final = 14
_MAX_CHANNEL_WORDS: Final = 9
_MAX_CAPTION_WORDS: Final = 30
_FRAME: Final = " \t-–—*=_~•·|[](){}<>#!/:.…»«▼↓"

_AD: Final = re.compile(
    r"(?:spot[-_ ]?img\w*|adverti[sz]e?ments?|advertorial|adverts?|ads?|ad slot|sponsored|promoted|"
    r"(?:sponsored|promoted|paid|partner) (?:content|post|links?|stor(?:y|ies)|partnership|message)|"
    r"(?:adverti[sz]ement[\s.:–—-]*)?(?:scroll|click) (?:down )?to continue(?: reading)?|"
    r"(?:the )?(?:story|article|post) continues (?:below|after)(?: (?:this|the))?(?: ad\w*)?|"
    r"continue(?:s)? (?:reading )?(?:below|after)(?: (?:this|the))?(?: ad\w*)?|"
    r"(?:skip|close|hide|remove) (?:this )?ad\w*|ad feedback|report this ad|why (?:am i seeing|this) (?:this )?ad|"
    r"(?:google_ad|googletag|adsbygoogle|div-gpt-ad|dfp)[\w-]*|"
    r"(?=\w{3,40}$)(?:\w+_)?(?:ads?|adv|spot|img|banner|slot|sponsor|promo|widget|sidebar|leaderboard|mpu)(?:_\w+)+)"
)
_NETWORK: Final = r"(?:facebook|twitter|x|whatsapp|telegram|linkedin|pinterest|reddit|email|e-mail|messenger|bluesky|threads|mastodon|instagram|youtube|tiktok|flipboard|sms|google news)"  # fmt: skip  # noqa: E501
_SHARE: Final = re.compile(
    rf"(?:click to )?share(?: (?:this|the|via|on|with|to|article|story|post|page|link|{_NETWORK}|friends))*"
    rf"(?: \(opens in new window\))?|tweet(?: this)?|{_NETWORK}(?:[\s,|•·/]+{_NETWORK})*|"
    rf"(?:follow|like|join|find) us(?: on {_NETWORK}(?:(?:[\s,&]+|\s+and\s+){_NETWORK})*)?|"
    r"share or comment on this article\b.{0,160}|"
    r"(?:print|save|bookmark)(?: (?:this|article|story|page))*|like this|loading|listen(?: to this (?:article|story))?|"
    r"\d[\d,.]*k? (?:shares?|comments?|likes?|views?)|(?:no )?comments?(?: \(?\d+\)?)?|leave a (?:comment|reply)|"
    r"(?:join|view|show|hide) (?:the )?(?:conversation|comments?)|\d+ min(?:ute)?s?(?: read)|reading time:? \d+ min\w*"
)
_NEWSLETTER: Final = re.compile(
    r"(?:sign up|subscribe|get our|get the|join our|register)\b.{0,160}\b(?:newsletters?|inbox|briefings?|alerts|"
    r"mailing list|whatsapp channel|telegram channel|updates|digest)\b.{0,60}|"
    r"(?:subscribe|sign up)(?: now| today| here| for free)?|"
    r"privacy notice: newsletters? .{1,220}|(?:the|our) .{2,40} newsletter (?:is|delivers|brings|offers) .{1,200}|"
    r"enter your e-?mail(?: address)?.{0,60}|(?:never|don['’]t) miss (?:a story|an update|out)\b.{0,80}"
)
_READ_MORE: Final = re.compile(
    rf"(?=[^:：»>|–—►▶\]】]*[:：»>|–—►▶\]】])【?(?:{alternatives('read_also')})\s*[:：»>|–—►▶\]】]\s*\S.{{0,200}}|"
    r"(?:read|see|view|show) (?:more|the full (?:story|article))(?: here)?|continue reading|weiterlesen|lire la suite"
)
_LINKS: Final = (
    r"(?:about us|contact(?: us)?|privacy policy|terms(?: of (?:use|service))?|cookies?(?: policy)?|imprint|impressum|"
    r"careers|advertise(?: with us)?|sitemap|help)"
)
_LEGAL: Final = re.compile(
    r"(?:©|\(c\)|copyright\b).{0,200}|all rights reserved|(?:privacy|cookie) (?:policy|notice|settings)|"
    rf"terms (?:of (?:use|service)|(?:and|&) conditions)|{_LINKS}(?:[\s|•·/,]+{_LINKS})+"
)
_NAVIGATION: Final = re.compile(
    r"skip to (?:main )?content|menu|search|log ?in|sign ?in|register|my account|close|open menu|toggle navigation|"
    r"back to (?:top|home)|home|next (?:article|post|story)|previous (?:article|post|story)|"
    r"to view this (?:video|content|page),? please enable javascript.{0,160}|"
    r"(?:please )?(?:enable|turn on|activate) javascript.{0,160}|(?:your|this) browser does not support.{0,160}|"
    r"(?:posted|filed) (?:in|under) .{1,60}(?:\s*\|\s*.{1,60}){1,3}|home\s*[>»›/|→].{1,120}|"
    r"we use cookies.{0,160}|accept (?:all )?cookies"
)
_CONSENT: Final = re.compile(rf"(?:{alternatives('consent')})\b.{{0,220}}")
_CREDIT: Final = re.compile(
    rf"(?=[^:：/／=＝©]*[:：/／=＝©])(?:{alternatives('credit')})\s*[:：/／=＝©]\s*.{{1,140}}|"
    r"(?:photos?|photograph(?:s|y)?|images?|pictures?|illustrations?|videos?|graphics?) (?:by|courtesy of) .{1,120}|"
    r"(?:fotos?|bilder|fotografie) (?:von|di|de|door) [^.!?]{1,80}|image (?:source|caption|credit)[,:]? .{1,200}|"
    r"[(（](?:photo|image|picture|foto|file photo|写真|图)\b[^()]{1,160}[)）]|"
    r"[^\d/]{2,60}\s?/\s?(?:afp|reuters|ap|dpa|getty(?: images)?|efe|ansa|epa|tass|xinhua|新华社|imago|"
    r"divulga[çc][ãa]o|reprodu[çc][ãa]o|picture alliance|anadolu|pap|тасс|риа новости|共同|時事|アフロ)|"
    r"(?:getty images|afp|ap photo|reuters)(?:\s*/.{1,60})?"
)
_CAPTION: Final = re.compile(
    rf"\S.{{4,200}}[.。\s(（]\s*(?:{alternatives('credit')})\s?(?:[:：/＝]|\.{{3}}|…)\s*[^.。:]{{2,60}}[)）.]?|"
    rf"\S.{{4,200}}\s?[(（]\s*(?:{alternatives('credit')})\.?\s[^()（）]{{2,60}}[)）]|"
    r"\S.{4,200}\s©\s?\S.{1,60}|\S.{4,120}[。\s]\S{2,6}\s?(?:摄|攝|撮影)[)）]?",
    re.IGNORECASE,
)
_RULES: Final = (
    ("ad-token", _AD),
    ("share", _SHARE),
    ("newsletter", _NEWSLETTER),
    ("read-more", _READ_MORE),
    ("legal", _LEGAL),
    ("credit", _CREDIT),
    ("navigation", _NAVIGATION),
    ("consent", _CONSENT),
)
_PHRASES: Final = (
    ("ad-token", "ad"),
    ("read-more", "read_more_button"),
    ("share", "share"),
    ("comments", "comments"),
    ("legal", "legal"),
    ("newsletter", "newsletter"),
    ("navigation", "navigation"),
)
# Template tokens that are never words; they are also removed from running text.
INLINE_AD: Final = re.compile(r"(?<![\w-])(?:spot[-_]img\w{0,20}|ad_slot\w{0,20}|div-gpt-ad[\w-]{0,40}|adsbygoogle|google_ad\w{0,20})(?![\w-])", re.IGNORECASE)  # fmt: skip  # noqa: E501
_BREADCRUMB: Final = re.compile(r"\s*[>»›→]\s*|\s+[/|•·]\s+")
_ARROW: Final = re.compile(r"\S\s*[>›→]\s*\S")
_MAX_CRUMB_WORDS: Final = 3
_SENTENCE_END: Final = re.compile(r"[.。।؟?]\s*$")


@lru_cache(maxsize=4096)
def rule_of(line: str) -> str | None:
    """Name of the rule that matches a line of any source, or None if it may be body. Position is not considered."""
    if len(line) > _LIMIT:
        return None
    if not any(char.isalnum() for char in line):
        return "separator"
    if is_stream_header(line):
        return "stream-header"
    if is_recommended_header(line):
        return "recommended-header"
    text = " ".join(line.casefold().split())
    stripped = text.strip(_FRAME)
    framed = stripped != text
    return next((rule for rule, form in _RULES if form.fullmatch(stripped) or (framed and form.fullmatch(text))), None)


@lru_cache(maxsize=4096)
def plain_rule_of(line: str) -> str | None:
    """As `rule_of`, for scraped plain text: also phrases of one or two words, such as `More`.

    In HTML a button is known by its element, and such a text may be a paragraph.
    """
    if len(line) > _LIMIT:
        return None
    return "read-also-header" if is_read_also_header(line) else rule_of(line) or _phrase_rule(line)


def _phrase_rule(line: str) -> str | None:
    folded = fold(line)
    rule = next((rule for rule, meaning in _PHRASES if folded in exact(meaning)), None)
    return rule or next((rule for rule, matches in _SHAPES if matches(line)), None) or _open_rule(line, folded)


def _open_rule(line: str, folded: str) -> str | None:
    """The rule of a phrase with a wildcard that matches; never of a sentence."""
    if len(line.split()) > _MAX_OPEN_WORDS or _SENTENCE_END.search(line):
        return None
    for rule, meaning in _PHRASES:
        if open_ended(meaning).fullmatch(folded) and (rule != "newsletter" or _names_newsletter(folded)):
            return rule
    return None


def _is_breadcrumb(line: str) -> bool:
    """Whether the line is the path to the article: `Home > News > Local`, `Inicio / Sociedad / …`."""
    parts = [part for part in _BREADCRUMB.split(line) if part.strip()]
    if len(parts) < 2 or ":" in parts[0] or len(parts[0].split()) > _MAX_CRUMB_WORDS:
        return False
    if fold(parts[0]) in exact("navigation") or canonical(parts[0]) is not None:
        return True
    arrows = _ARROW.search(line) is not None
    return (
        arrows and all(len(part.split()) <= _MAX_CRUMB_WORDS for part in parts) and not line.endswith((".", "!", "?"))
    )


def _is_list_link(line: str) -> bool:
    """Whether the line is one link of a list: `More news: The ferry is back`."""
    header, colon, title = line.partition("：" if "：" in line else ":")
    return bool(colon and title.strip()) and " " in header.strip() and fold(header) in exact("most_read")


@lru_cache(maxsize=1)
def _newsletter_object() -> re.Pattern[str]:
    return re.compile(alternatives("newsletter_object"))


def _names_newsletter(folded: str) -> bool:
    return _newsletter_object().search(folded) is not None


def _is_channel_link(line: str) -> bool:
    """Whether a short line asks readers to follow the site: `Get the coast's news on WhatsApp`."""
    if len(line.split()) > _MAX_CHANNEL_WORDS or _SENTENCE_END.search(line):
        return False
    lowered = line.casefold()
    return _channel().search(lowered) is not None and _invitation().search(lowered) is not None


@lru_cache(maxsize=1)
def _channel() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{alternatives('app')})(?!\w)")


@lru_cache(maxsize=1)
def _invitation() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{alternatives('join')})")


_SHAPES: Final = (
    ("share", _is_channel_link),
    ("reading-time", is_reading_time),
    ("navigation", _is_breadcrumb),
    ("read-more", _is_list_link),
)


def is_caption(line: str) -> bool:
    """Whether the line is a picture caption that ends with its credit."""
    return len(line.split()) <= _MAX_CAPTION_WORDS and _CAPTION.fullmatch(line) is not None
