"""Bylines and names in Chinese, Japanese and Korean."""

from __future__ import annotations

import re
from typing import Final

_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff々"
_KANA: Final = "\u3041-\u30ff"
_HANGUL: Final = "\uac00-\ud7a3"
_SCRIPT: Final = re.compile(f"[{_HAN}{_KANA}{_HANGUL}]")
_NAME: Final = re.compile(
    f"[{_HAN}]{{2,5}}|[{_HANGUL}]{{2,5}}|[{_HAN}{_KANA}]{{2,10}}|[{_HAN}{_KANA}]{{1,5}}[ \u3000][{_HAN}{_KANA}]{{1,5}}"
    f"|[{_HAN}{_KANA}]{{2,12}}(?:・[{_KANA}]{{2,12}}){{1,3}}|[{_HAN}]{{1,6}}(?:·[{_HAN}]{{1,6}}){{1,3}}"
)
_NO_NAME: Final = re.compile(
    "編集|编辑|編輯|報道|报道|報導|新聞|新闻|通信|通讯|電視|电视|網站|网站|官方|管理|来源|來源|責任|责任|小编|小編|本報|本报|本站|"
    "原创|原創|転載|转载|取材|配信|記事|文章|投稿|匿名|特集|[社網网報报局部台室]$|"
    "뉴스|신문|방송|일보|편집|관리자|취재|제공|운영자"
)
_ROLES: Final = (
    "(?:本報|本报|本刊|本网|本站|新华社|中新社|新華社|人民网|特约|特約|特派|首席|見習|见习|实习|實習)?"
    "(?:記者|记者|通讯员|通訊員|特派員|撰稿人|撰稿|撰文|采写|采訪|采访|作者|編集委員|論説委員|執筆|著者|筆者|ライター|文责|文責)"
)
_LEAD: Final = re.compile(
    rf"^[\s【\[(（「]*(?:{_ROLES}|文字|取材[・･·]文|文[・･·]写真|文|글쓴이|작성자|글|기자)(?:\s*[:：/／|｜丨・･]\s*|\s+|(?<=[記记]者)|(?<=通讯员))"
)
_AGENCY: Final = re.compile(r"^\s*[\[(（【][^\])）】]{1,20}[\])）】]\s*(?==?\s*[\uac00-\ud7a3])|^[^=]{1,12}=\s*")
_TAIL: Final = re.compile(
    rf"[\s　]*(?:[（(【\[][^）)】\]]{{0,20}}[）)】\]]?|[/／|｜丨]\s*.*|{_ROLES}|報導|报道|報道|摄|攝|著|撰|氏|さん|"
    r"(?:선임|수습|객원|인턴|전문)?기자|특파원|논설위원|에디터|[\w.+-]{1,60}@[\w.-]{1,60})[\s　】\])）」]*$"
)
_DATELINE: Final = re.compile("(?:報導|报道|報道)[\\s】\\])）」]*$")
_BETWEEN: Final = re.compile(r"\s*[、,，/／;；&＆]\s*|\s+(?:和|与|與|及)\s+")
_CHINESE_LEAD: Final = re.compile("记者|本報|本报|通讯员|撰文|作者|采")
_MAX_BYLINE: Final = 80
_MAX_NAMES: Final = 8


def is_unspaced_name(name: str) -> bool:
    """Whether a text may be a name of a person in Chinese, Japanese or Korean, by its script and length."""
    return _NAME.fullmatch(name) is not None and _NO_NAME.search(name) is None


def is_unspaced_byline(text: str) -> bool:
    """Whether a text begins or ends with a role, such as `記者` or `기자`, next to a name."""
    return len(text) <= _MAX_BYLINE and _SCRIPT.search(text) is not None and bool(_signed_names(text))


def unspaced_names(text: str) -> tuple[str, ...]:
    """The names in a byline of these scripts; empty if it has other text."""
    if len(text) > _MAX_BYLINE or _SCRIPT.search(text) is None:
        return ()
    return _signed_names(text) or _names(text.strip(), chinese=False)


def _signed_names(text: str) -> tuple[str, ...]:
    rest = _AGENCY.sub("", text.strip())
    lead = _LEAD.match(rest)
    found = rest[lead.end() :] if lead else rest
    for _ in range(4):
        shorter = _TAIL.sub("", found)
        if not shorter or shorter == found:
            break
        found = shorter
    if lead is None and found == rest:
        return ()
    if _DATELINE.search(rest) and " " in found:
        found = found.rsplit(" ", 1)[0]  # `記者 王小明 台北報導`
    chinese = lead is not None and _CHINESE_LEAD.search(lead[0]) is not None
    return _names(found.strip(" \u3000】])）」"), chinese=chinese)


def _names(text: str, *, chinese: bool) -> tuple[str, ...]:
    parts = [part for part in _BETWEEN.split(text) if part][:_MAX_NAMES]
    if chinese:  # `张三 李四` are two persons, `张 三` is one
        parts = [name for part in parts for name in _of_chinese(part.split())]
    return tuple(dict.fromkeys(parts)) if parts and all(map(is_unspaced_name, parts)) else ()


def _of_chinese(words: list[str]) -> list[str]:
    return ["".join(words)] if len(words) == 2 and min(map(len, words)) == 1 else words
