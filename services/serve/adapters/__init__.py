"""What serve holds open: the fan-out of the public log, and the streams of its subscribers."""
