"""Pure rules of the ingest service: no I/O, no clock, no randomness."""
