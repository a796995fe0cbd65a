"""Named entity recognition: people, organisations and places."""
