"""The generated parts, by where they come from."""
