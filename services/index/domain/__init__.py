"""Pure rules of the index service: no I/O, no clock, no randomness."""
