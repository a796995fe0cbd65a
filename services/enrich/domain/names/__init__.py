"""Named people, organisations and places in a text."""
