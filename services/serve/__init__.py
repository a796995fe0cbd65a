"""The serve service."""
