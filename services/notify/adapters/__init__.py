"""I/O of notify: the log, the delivery queue, HTTP endpoints of subscribers."""
