"""URLs of pages: reading them as browsers do, and telling which of them lead to the same page.

`canonical` gives the form to show and link, `page_key` the form to compare; both say which named rules were applied.
Pure: nothing is looked up.
"""

from shared.urls.canonical import Canonical, canonical, page_key
from shared.urls.parsing import Parts, parse_url

__all__ = ["Canonical", "Parts", "canonical", "page_key", "parse_url"]
