"""The search tests' sandbox."""

from tests.search.conftest import sandbox

__all__ = ["sandbox"]
