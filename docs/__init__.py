"""The documentation, and what writes its generated parts: a package, so that no library's `docs` stands in for it."""
