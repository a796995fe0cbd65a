"""Identity of tags, languages and slugs: one function for each, used by the store and by every input.

Whatever spelling a producer or a reader uses, both sides compare the value that these functions return.
"""
