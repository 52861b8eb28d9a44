"""Names of landed columns: as the source spells them. dlt would strip blanks and replace quotes."""

from __future__ import annotations

from dlt.common.normalizers.naming.direct import NamingConvention as Direct


class Exact(Direct):
    """dlt's naming convention for the lake; names of tables are Millrace's own, and plain."""

    def normalize_identifier(self, identifier: str) -> str:
        """The name itself.

        Raises:
            ValueError: it is empty.
        """
        if not identifier:
            raise ValueError("a column without a name")
        return identifier
