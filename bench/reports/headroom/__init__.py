"""Whether a search can help, from stored runs: before it is paid for, and without a model.

Samples that hold no right answer cannot be searched for one, and where greedy or a majority finds
them all there is nothing left to win. `report` puts the parts together: `groups` (which runs belong
together), `choosing` (what choosing among samples gives), `scoring` (what the PPM's scores are
worth), `token_use` (what generated tokens went into). Nothing here is graded anew.
"""

from bench.reports.headroom.render import lay_out, to_json
from bench.reports.headroom.report import headroom

__all__ = ["headroom", "lay_out", "to_json"]
