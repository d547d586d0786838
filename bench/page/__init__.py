"""The page: stored runs, training rounds, checker diffs and proofs, in a file that a browser opens.

`rstar-bench page` writes it. `sources` says what a path holds; `runs`, `trees`, `budgets`,
`samples`, `rounds`, `verdicts` and `proofs` turn each kind into plain data; `document` puts the
data and the program that shows them into HTML that needs no network. That program is built by
`make page` out of `web/`; what is computed about a run is computed here, and nothing is graded
anew.
"""
