"""Feed formats (RSS, Atom, JSON Feed, sitemaps), parsed into one model inside a sandboxed child process."""
