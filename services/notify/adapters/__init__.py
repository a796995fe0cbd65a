"""What notify does with the outside: the log, the queue, other people's endpoints."""
