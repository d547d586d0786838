"""Stored runs in the formats of others, so that their tools, viewers and databases read them.

`rstar-bench export` writes them. A format is a file here and an entry of `registry`; `sources` is
what all of them read. Nothing is graded or chosen anew, a selector is a result of its own, and an
answer that the harness could not judge is never exported as wrong: a format without a place for it
leaves it out, and the export says how many there are.
"""
