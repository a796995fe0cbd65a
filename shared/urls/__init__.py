"""URL parsing (WHATWG) and canonicalisation.

`canonical` returns the form to show and link, `page_key` the form to compare, `url_key` one that is short enough for an
index. Pure: no network access.
"""

from shared.urls.canonical import Canonical, canonical, page_key, url_key
from shared.urls.parsing import Parts, parse_url

__all__ = ["Canonical", "Parts", "canonical", "page_key", "parse_url", "url_key"]
