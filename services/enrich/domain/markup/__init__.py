"""The block model of an HTML page: its tree, its text blocks, and how likely each block is body text."""
