"""Templates of the reader pages: environment, filters and functions. All text is escaped by the templates."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.serve.domain import links as paths
from services.serve.domain.markup import web_url
from services.serve.routes.search_json import highlight_html
from shared.search.port import Highlight, SearchHit

HERE: Final = Path(__file__).parent
CSP: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def excerpt_of(hit: SearchHit) -> Highlight:
    """The excerpt of a hit: the best window, else the dek or the summary."""
    return hit.highlights.get("excerpt") or Highlight.of(hit.card.dek or hit.card.summary, ())


def title_of(hit: SearchHit) -> Highlight:
    """The title of a hit, with highlighted matches."""
    return hit.highlights.get("title") or Highlight.of(hit.card.title, ())


def day(instant: datetime) -> str:
    """A date for readers: `14 March 2026`."""
    return f"{instant.day} {instant:%B %Y}"


def clock(instant: datetime) -> str:
    """A time for readers: `12:05 UTC`."""
    return f"{instant.astimezone(UTC):%H:%M} UTC"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "day": day,
        "clock": clock,
        "web_url": web_url,
        "marked": _marked,
        "stream": paths.stream_page,
        "story": paths.story_page,
    }
    environment.globals["page_of"] = lambda card: paths.article_page(card.id, card.slug)
    return environment


def _marked(highlight: Highlight) -> Markup:
    return Markup(highlight_html(highlight))  # noqa: S704 - `highlight_html` escapes everything


TEMPLATES: Final = _environment()
TEMPLATES.globals |= {"excerpt_of": excerpt_of, "title_of": title_of}
