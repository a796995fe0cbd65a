"""Test support: builders, fakes, and the servers and processes that tests start."""
