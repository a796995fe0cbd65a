"""What every HTTP service needs at its edge: the client behind trusted proxies."""
