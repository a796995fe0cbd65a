"""The index service's view of the search port and of reindex requests."""
