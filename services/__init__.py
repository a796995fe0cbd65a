"""Services: each folder is one process; no service imports another."""
