"""I/O of serve: the fan-out of the public log, open streams, webhook endpoints, stories."""
