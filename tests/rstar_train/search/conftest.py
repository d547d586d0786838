"""The search tests' sandbox, for trees that are grown until they are solved."""

from tests.search.conftest import sandbox

__all__ = ["sandbox"]
