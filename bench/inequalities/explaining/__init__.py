"""Proofs that people read: a certificate (FORMAT.md) in sentences, as Markdown or LaTeX."""

from bench.inequalities.explaining.documents import Document, write_latex, write_markdown
from bench.inequalities.explaining.theorems import explain

__all__ = ["Document", "explain", "write_latex", "write_markdown"]
