"""Twelve pages of other layouts, written for these tests: HTML and scraped text, with what a reader must make of them."""

# ruff: noqa: E501 (pages are data)
from __future__ import annotations

from dataclasses import dataclass

_P = (
    "The ferry between Norholm and the outer islands will run again from Monday, the harbour office said, after a winter in which the old landing stage was taken down and built anew.",
    "“We had planned for ten weeks and needed nine,” said Marta Lindqvist, who led the works. The new stage rests on steel piles and can carry lorries of up to forty tonnes.",
    "Islanders had complained that goods were brought over by a fishing boat, which could not sail in strong wind. On eleven days in January nothing came over at all.",
    "The first boat leaves at six in the morning, the last one returns at nine at night. Tickets cost as much as before the closure, and children travel free until the summer.",
)


@dataclass(frozen=True)
class Layout:
    """A page, and what is expected: every text of `kept` in the body, none of `lost`, and these fields."""

    name: str
    page: str
    title: str
    kept: tuple[str, ...]
    lost: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    day: str | None = None


def _paragraphs(texts: tuple[str, ...] = _P) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


def _page(body: str, head: str = "", lang: str = "en") -> str:
    return f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8">{head}</head><body>{body}</body></html>'


_NAV = '<nav><ul><li><a href="/">Home</a></li><li><a href="/sport">Sport</a></li><li><a href="/weather">Weather</a></li></ul></nav>'
_TITLE = "Ferry to the outer islands returns on Monday"

HTML = (
    Layout(
        "live blog",
        _page(
            f"{_NAV}<main><h1>Storm over Norholm: the day as it happened</h1><div class='live-blog-body'>"
            "<article class='live-post'><time datetime='2026-02-03T18:40:00+01:00'>18:40</time><h2>Bridge open again</h2><p>The bridge over the sound is open to cars again, the police say. Lorries must wait until the wind has fallen further, and the tram will not run before tomorrow morning.</p></article>"
            "<article class='live-post'><time datetime='2026-02-03T16:05:00+01:00'>16:05</time><h2>Power back in the old town</h2><p>The last two hundred households in the old town have light again after a tree fell on a line at noon. Nobody was hurt, the grid operator says.</p></article>"
            "<article class='live-post'><time datetime='2026-02-03T12:20:00+01:00'>12:20</time><h2>Schools send children home</h2><p>All schools in the district close at one. Parents who cannot fetch their children are asked to call the school, where a teacher stays until five.</p></article></div></main>",
            '<title>Storm over Norholm: the day as it happened | Norholm Post</title><meta property="article:published_time" content="2026-02-03T12:20:00+01:00">',
        ),
        "Storm over Norholm: the day as it happened",
        (
            "The bridge over the sound is open to cars again",
            "The last two hundred households",
            "All schools in the district close at one.",
        ),
        ("Weather",),
        day="2026-02-03",
    ),
    Layout(
        "paywall",
        _page(
            f"{_NAV}<article><h1>{_TITLE}</h1>{_paragraphs(_P[:3])}</article>"
            "<div class='paywall-offer'><h3>Keep reading with a subscription</h3><p>Subscribe now and read every story for one euro in the first month. Cancel whenever you like.</p><p>Already a subscriber? <a href='/login'>Sign in</a></p></div>",
            f"<title>{_TITLE}</title>",
        ),
        _TITLE,
        _P[:3],
        ("Cancel whenever you like", "Already a subscriber"),
    ),
    Layout(
        "gallery",
        _page(
            f"{_NAV}<article><h1>{_TITLE}</h1>"
            + "".join(
                f"<figure><img src='/pictures/{n}.jpg'><figcaption>{text}</figcaption></figure><p>{paragraph}</p>"
                for n, (text, paragraph) in enumerate(zip(("The stage at dawn.", "Lorries wait."), _P[:2], strict=True))
            )
            + f"{_paragraphs(_P[2:])}</article>",
            f"<title>{_TITLE}</title><meta property='og:image' content='https://news.example/pictures/0.jpg'>",
        ),
        _TITLE,
        _P,
    ),
    Layout(
        "AMP",
        _page(
            f"<header class='amp-header'><a href='/'>Norholm Post</a></header><article class='amp-article'><h1 class='amp-title'>{_TITLE}</h1>"
            f"<amp-img src='x.jpg' width='4' height='3'></amp-img><div class='amp-content'>{_paragraphs()}</div></article><amp-sidebar><ul><li>Sport</li></ul></amp-sidebar>",
            f"<title>{_TITLE} - Norholm Post</title><link rel='canonical' href='https://news.example/ferry'>",
        ),
        _TITLE,
        _P,
        ("Sport",),
    ),
    Layout(
        "newsletter box and related list",
        _page(
            f"{_NAV}<article><h1>{_TITLE}</h1><p>{_P[0]}</p><p>{_P[1]}</p>"
            "<div class='newsletter-signup'><p>Sign up for our morning newsletter and never miss a story from the coast.</p></div>"
            f"<p>{_P[2]}</p><aside class='related-articles'><h3>Related</h3><ul><li><a href='/a'>Why the old stage sank by a hand a year</a></li><li><a href='/b'>A day with the pilot of Norholm</a></li></ul></aside><p>{_P[3]}</p></article>",
            f"<title>{_TITLE}</title>",
        ),
        _TITLE,
        _P,
        ("morning newsletter", "Why the old stage sank", "A day with the pilot"),
    ),
    Layout(
        "several authors in the byline",
        _page(
            f"{_NAV}<article><h1>{_TITLE}</h1><div class='byline'>By Jonas Ekdal, Petra van der Meer and Li Wei</div>{_paragraphs()}</article>",
            f"<title>{_TITLE}</title>",
        ),
        _TITLE,
        _P,
        authors=("Jonas Ekdal", "Petra van der Meer", "Li Wei"),
    ),
    Layout(
        "no h1",
        _page(
            f"<div class='post'><div class='headline'>{_TITLE}</div><div class='entry-content'>{_paragraphs()}</div></div>",
            f"<title>{_TITLE} | Norholm Post</title><meta property='og:title' content='{_TITLE}'><meta property='og:site_name' content='Norholm Post'><meta name='author' content='Norholm Post'>",
        ),
        _TITLE,
        _P,
    ),
    Layout(
        "JSON-LD graph",
        _page(
            f"{_NAV}<div id='root'><h1>{_TITLE}</h1>{_paragraphs()}</div>",
            "<title>Norholm Post</title><script type='application/ld+json'>"
            '{"@context":"https://schema.org","@graph":[{"@type":"Organization","name":"Norholm Post"},{"@type":"WebPage","name":"x"},'
            f'{{"@type":["NewsArticle","Article"],"headline":"{_TITLE}","datePublished":"2026-02-01T23:30:00-05:00","author":[{{"@type":"Person","name":"Jonas Ekdal"}}]}}]}}</script>',
        ),
        _TITLE,
        _P,
        authors=("Jonas Ekdal",),
        day="2026-02-02",
    ),
    Layout(
        "comments",
        _page(
            f"{_NAV}<article><h1>{_TITLE}</h1><div class='article-body'>{_paragraphs()}</div></article>"
            "<section id='comments' class='comments'><h2>2 comments</h2><ol><li class='comment'><cite>harbour_cat</cite><p>About time, I have been carrying my shopping over in a rucksack since November and I am tired of it.</p></li>"
            "<li class='comment'><cite>oldsalt</cite><p>And what did it cost? Nobody ever says what it cost, and in the end we all pay for it.</p></li></ol></section>",
            f"<title>{_TITLE}</title>",
        ),
        _TITLE,
        _P,
        ("rucksack", "Nobody ever says"),
    ),
    Layout(
        "Japanese",
        _page(
            "<nav><a href='/'>ホーム</a></nav><article><h1>離島へのフェリー、月曜日に再開</h1><p>港湾事務所は、古い桟橋の建て替え工事が終わり、離島へのフェリーを月曜日から再び運航すると発表した。</p><p>工事の責任者は「十週間の予定だったが、九週間で終えることができた」と話した。新しい桟橋は四十トンまでのトラックに対応する。</p><p>始発は午前六時、最終便は午後九時に戻る。運賃は以前と変わらず、子どもは夏まで無料となる。</p></article>",
            "<title>離島へのフェリー、月曜日に再開</title>",
            "ja",
        ),
        "離島へのフェリー、月曜日に再開",
        ("港湾事務所は、古い桟橋の建て替え工事が終わり", "始発は午前六時、最終便は午後九時に戻る。"),
        ("ホーム",),
    ),
)

TEXT = (
    Layout(
        "wire copy",
        f"{_TITLE}\n\nBy Jonas Ekdal\n3 February 2026\n\nNORHOLM (NP) - {_P[0]}\n\n{_P[1]}\n\n{_P[2]}\n\n{_P[3]}\n",
        _TITLE,
        (f"NORHOLM (NP) - {_P[0]}", *_P[1:]),
        authors=("Jonas Ekdal",),
        day="2026-02-03",
    ),
    Layout(
        "listing junk",
        f"Skip to main content\nMenu\nLog in\nLOCAL\n{_TITLE}\nPetra van der Meer\n2026-02-03\n\nShare this article\n\n{_P[0]}\n\nAdvertisement\n\n{_P[1]}\n\n{_P[2]}\n\nSign up for our newsletter\n\n{_P[3]}\n\nTags: Ferries, Islands\n\nMost read\nWhy the old stage sank\nIt sank by a hand a year, and for thirty years nobody measured it at all.\nA day with the pilot\nHe knows every rock by its first name and greets them in the fog.\n",
        _TITLE,
        _P,
        ("Menu", "Advertisement", "newsletter", "It sank by a hand a year"),
        authors=("Petra van der Meer",),
        day="2026-02-03",
    ),
)
