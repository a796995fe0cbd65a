"""Authors of a page: names in bylines, what the page claims, and the choice between claims."""
