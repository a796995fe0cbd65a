"""Contracts and infrastructure shared by two or more services."""
