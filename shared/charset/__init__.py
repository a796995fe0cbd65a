"""Character sets by the WHATWG Encoding and HTML standards: one decoder for pages, texts, feeds and archives.

`decode` in `decoding.py` is the entry point. Pure and synchronous.
"""
