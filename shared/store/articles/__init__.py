"""Article store: port, Redis adapter, commit scripts, lifecycle, copies and stories."""
