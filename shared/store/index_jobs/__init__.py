"""State of the index service: reindex requests, unfinished writes, learned models."""
