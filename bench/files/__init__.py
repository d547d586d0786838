"""Files that a kill leaves readable: whole writes, JSON lines, gzip members, a lock, digests."""
