"""`broadsheet bench quality`: how good the articles are, scored on real pages and texts that people have judged.

Every module in `tasks/` is one file that offers `TASKS`; nothing else has to be edited to add one. A task runs the
functions that the services run, never a copy of them.
"""
