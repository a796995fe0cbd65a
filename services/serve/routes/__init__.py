"""HTTP in, HTTP out: each module is one part of the API; `pages.py` is the reader."""
