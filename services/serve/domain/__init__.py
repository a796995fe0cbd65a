"""Pure rules of the serve service: no I/O, no clock, no randomness."""
