"""Saved searches and their change stream."""
