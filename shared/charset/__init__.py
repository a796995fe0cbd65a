"""Character decoding by the WHATWG Encoding and HTML standards, for pages, texts, feeds and archives.

`decode` in `decoding.py` is the entry point. Pure and synchronous.
"""
