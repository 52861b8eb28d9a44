"""Redshift over silver, for tables too large to stage: external schemas on the Glue catalog, read by Redshift Spectrum.

For tables that declare `staging: external`, and for people who query the whole history of accepted rows, which staging does
not keep. `python -m dlt_sources.spectrum` prints the statements; an administrator runs them once, and again for a new
source. `python -m runtime.bootstrap` runs them for sources with such tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from warehouse.quote import redshift_literal

from ._steps.staging.external import SCHEMA

__all__ = ["SCHEMA", "declaring", "statements"]

if TYPE_CHECKING:
    from settings import Bootstrap, Settings

    from .door import Source


def declaring(sources: Mapping[str, Source]) -> list[str]:
    """The sources with a table of `staging: external`."""
    return [name for name, source in sources.items() if any(t.staging == "external" for t in source.tables.values())]


def statements(sources: Iterable[str], settings: Settings | Bootstrap) -> list[str]:
    """One statement per source, in Redshift's SQL: schema ``lake_<source>`` over the source's Iceberg tables in Glue.

    Its tables are silver's: every accepted row of every load, with ``_load_id``. A bill comes per byte that is read.
    """
    return [
        f"CREATE EXTERNAL SCHEMA IF NOT EXISTS {SCHEMA}{source} FROM DATA CATALOG"
        f" DATABASE {redshift_literal(f'{settings.glue_prefix}{source}')} IAM_ROLE {redshift_literal(settings.redshift_role)}"
        for source in sources
    ]


def main() -> None:
    """Print the statements for every declared source."""
    import settings as configuration

    from .door import load_sources

    print(";\n".join(statements(load_sources().names, configuration.load())) + ";")


if __name__ == "__main__":
    main()
