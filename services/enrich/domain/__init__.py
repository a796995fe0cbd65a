"""Pure rules of the enrich service: no I/O, no clock, no randomness."""
