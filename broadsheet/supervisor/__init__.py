"""`broadsheet up`: starts, supervises and stops Redis and the services."""
