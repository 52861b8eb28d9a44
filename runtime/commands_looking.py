"""The commands that look and move nothing: each reads its options and shows a report."""

from __future__ import annotations

from .options import Csv, Json, OfWarehouse, Query, Rows, RunId, Sources, TableName
from .sources import declared


def status(run: RunId = None, as_json: Json = False) -> None:
    """Show the last runs, each source's state and what waits.

    Also why runs failed and how much disk is used; of one run every step.
    """
    from .run_report import show_run
    from .status import status as show

    if run:
        show_run(run, as_json)
    else:
        show(declared(), as_json)


def rejected(sources: Sources = None, rows: Rows = 20, as_json: Json = False) -> None:
    """Show the rows that broke their contract, with field and rule."""
    from .rejects import rejected as show

    show(declared(sources), sources or [], rows, as_json)


def drift(sources: Sources = None, as_json: Json = False) -> None:
    """Show how sources depart from their contracts.

    With the lines to add to contract.py.
    """
    from .drift import show

    show(declared(sources), sources or [], as_json)


def preview(table: TableName = None, rows: Rows = 10, as_json: Json = False) -> None:
    """Show the first rows of a table of staging or gold.

    Of staging as it is in the warehouse, of gold as it is published; without a table the names there are.
    """
    import settings as configuration

    from .query import preview as show

    show(table, configuration.load(), most=rows, as_json=as_json)


def sql(
    query: Query, warehouse: OfWarehouse = False, rows: Rows = 50, as_json: Json = False, as_csv: Csv = False
) -> None:
    """Ask what was published, in SQL; nothing can be changed."""
    import settings as configuration

    from .query import show_query

    show_query(query, configuration.load(), of_warehouse=warehouse, most=rows, as_json=as_json, as_csv=as_csv)


def check(sources: Sources = None, as_json: Json = False) -> None:
    """Run the checks of staging and gold; no row is moved."""
    from .check import check as show

    raise SystemExit(show(declared(sources), sources or [], as_json))


def doctor() -> None:
    """Check what a run needs before it starts.

    Settings, folders, sources, and who holds the warehouse.
    """
    from .doctor import examine

    raise SystemExit(examine())
