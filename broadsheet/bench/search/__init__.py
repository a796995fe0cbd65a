"""`broadsheet bench search` and `bench related`: our API and engines against the engines themselves, on real texts."""
