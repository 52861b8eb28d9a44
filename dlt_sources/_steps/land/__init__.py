"""Land: read a source, and keep what differs from the read before. Knows nothing of refine."""
