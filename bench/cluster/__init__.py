"""Runs on several machines by Ray: problems are the unit, actors solve them, one process writes.

Each actor holds one policy, its PPM and a sandbox: a harness of its own, in a placement group. It
sends every problem's record, tree and seconds to the process that the command runs in, which
appends them as if it had solved them itself. There are no shards to merge, and the run directory
need not be seen by any other machine. What a kill of the command loses is what one machine's loses:
the problems in flight. Appending one is a millisecond, far less than solving it.
"""
