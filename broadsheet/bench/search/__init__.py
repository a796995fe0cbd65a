"""`broadsheet bench search` and `bench related`: our API and index compared with the bare engines, on real texts."""
