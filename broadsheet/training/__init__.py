"""Fits the block model and the author model on annotated pages. Needs the source checkout and ../shared/data."""
