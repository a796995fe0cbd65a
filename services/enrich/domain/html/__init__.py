"""Reader of HTML pages: body, metadata and fields."""
