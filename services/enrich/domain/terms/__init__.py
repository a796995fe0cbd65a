"""Words, keyphrases, fingerprint, signature and summary of a text."""
