"""Logging, metrics and health endpoints of every service."""
