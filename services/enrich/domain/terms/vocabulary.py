"""Closed word sets used by the plain-text reader and the sentence splitter. All lower case."""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SECTIONS: Final = _words("""
    world news politics business economy finance markets money sport sports football culture arts art books film music
    lifestyle style food travel opinion analysis comment editorial science technology tech health environment climate
    education local national international europe africa asia uk us usa americas weather crime media entertainment
    exclusive breaking live feature features interview explainer review
""")
"""Section names shown above a headline."""

NO_NAMES: Final = _words("""
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december the a an this that then now early late noon midnight
""")
"""Words after `By` that start no byline."""

ABBREVIATIONS: Final = _words("""
    mr mrs ms dr prof sr jr st gen col lt sgt capt maj cmdr adm rev hon gov sen rep pres supt insp messrs mt ft no nos
    vol vs etc e.g i.e cf al approx dept est inc ltd co corp bros u.s u.k u.n e.u a.m p.m d.c jan feb mar apr jun jul
    aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun fig ca bzw z.b usw nr bd hr mio mrd str
""")
"""Abbreviations: their full stop does not always end a sentence."""

MAY_END: Final = _words("a.m p.m etc inc ltd co corp u.s u.k u.n e.u d.c")
"""Abbreviations that end a sentence if one of `STARTERS` follows; any other capital may start a name."""

STARTERS: Final = _words("the a an it he she they we in on but and at this that these those however when after")

FRAGMENTS: Final = _words("""
    ain aren couldn didn doesn don hadn hasn haven isn ll mustn shouldn ve wasn weren won wouldn
""")
"""Remains of English contractions split at the apostrophe."""
