"""I/O of enrich: parser child processes and the optional spaCy model."""
