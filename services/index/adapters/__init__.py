"""I/O of the index service: search engine, grouping records, reindex requests."""
