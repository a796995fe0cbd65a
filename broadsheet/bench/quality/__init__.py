"""`broadsheet bench quality`: quality of extraction and enrichment, scored on annotated pages and texts.

Every module in `tasks/` with `TASKS` is found automatically. A task calls the functions of the services, never a copy.
"""
