"""Identity of tags, languages and slugs: one function for each, used by the store and by every input.

Producers and readers may use different spellings; all comparisons use the values that these functions return.
"""
