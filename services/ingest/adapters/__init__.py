"""The edges of ingest: request bodies, the commit queue, the HTTP server."""
