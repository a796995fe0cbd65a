"""Reader of scraped plain text: lines to blocks, boilerplate, metadata lines, recommended lists."""
