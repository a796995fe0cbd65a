"""Language detection, and the word lists it uses."""
