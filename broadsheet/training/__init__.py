"""Fits the block model and the author model on judged pages. Needs the source checkout and ../shared/data."""
