"""`broadsheet up`: runs the server and the services, keeps them running, and takes them down cleanly."""
