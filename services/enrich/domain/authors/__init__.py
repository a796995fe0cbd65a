"""Authors of a page: names in bylines, candidates from the page, and the selection among them."""
