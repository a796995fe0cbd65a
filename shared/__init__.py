"""Contracts and plumbing that two or more services use today."""
