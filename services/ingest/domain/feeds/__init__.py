"""Reading what publishers offer to machines: RSS, Atom, JSON Feed and sitemaps, all into one model.

Everything here runs in a child that can be killed; the bytes are a stranger's.
"""
