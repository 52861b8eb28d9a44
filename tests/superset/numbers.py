"""Whether a chart shows what gold says: the rows the browser received beside those of a statement over gold.

The statements are in numbers.yml, one per chart, worked out from what title and description promise. A statement gives
all rows that could be shown; the limits of the chart are applied here, where equal values at the limit do no harm. Where
a limit chooses by a number that the chart does not show, the statement gives that number as one more column.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

TOLERANCE, CENT = 1e-6, 0.005  # relative and, so that no cent is lost in millions, absolute; whole numbers are exact
_EPOCH = datetime(1970, 1, 1)
_TEMPORAL = 2  # Superset's number for a column of timestamps
_NULL_SERIES = "<NULL>"  # Superset's name for the series of NULL

Row = tuple[Any, ...]


def shown(chart: dict[str, Any], response: dict[str, Any]) -> list[list[Row]]:
    """The rows of each query of a chart as the browser received them.

    Dimensions come first, then metrics, in the order of the chart; a chart of series gives (x, series, value) without
    the cells that are missing, a map (ISO code, value) without what has no place on it. The second query of a table
    that is read page by page gives the number of all its rows.

    Args:
        chart: The document of the chart.
        response: What the server answered to the query of the chart.
    """
    if chart["viz_type"] == "world_map":
        return [[(row["code"], _cell(row["m1"])) for row in response.get("data") or [] if row.get("code")]]
    found: list[list[Row]] = []
    for half, query in enumerate(response.get("result") or []):
        types = dict(zip(query.get("colnames") or [], query.get("coltypes") or [], strict=True))
        rows = [{k: _cell(v, types.get(k)) for k, v in row.items()} for row in query.get("data") or []]
        dimensions, metrics, _ = _columns(chart, half)
        if _has_series(chart):
            x, *series = types
            cells = [(row[x], None if name == _NULL_SERIES else name, row[name]) for row in rows for name in series]
            found.append([cell for cell in cells if cell[-1] is not None])
        elif half and chart["viz_type"] == "table":
            found.append([tuple(row.values()) for row in rows])
        else:
            found.append([tuple(row.get(name) for name in dimensions + metrics) for row in rows])
    return found


def differences(
    chart: dict[str, Any], response: dict[str, Any], statements: str | dict[str, str], con: duckdb.DuckDBPyConnection
) -> list[str]:
    """What a chart shows otherwise than gold says, in words; nothing where it shows that, and all of it.

    Args:
        chart: The document of the chart.
        response: What the server answered to the query of the chart.
        statements: Its entry in numbers.yml: a statement or, for a chart of two queries, one each under ``a`` and ``b``.
        con: Connection to the published gold.
    """
    queries, found = shown(chart, response), []
    for half, sql in enumerate([statements] if isinstance(statements, str) else [statements["a"], statements["b"]]):
        expected = [tuple(_cell(value) for value in row) for row in con.execute(sql).fetchall()]
        found += _compare(chart, half, queries[half] if half < len(queries) else [], expected)
        total = [(float(min(len(expected), chart["params"].get("row_limit", math.inf))),)]
        if chart["params"].get("server_pagination") and queries[1:] != [total]:
            found.append(f"says the number of its rows is {queries[1:]}, in gold it is {total}")
    if chart["viz_type"] == "mixed_timeseries" and len({frozenset(row[0] for row in rows) for rows in queries}) != 1:
        found.append("its two queries do not show the same x")
    return found


def _compare(chart: dict[str, Any], half: int, rows: list[Row], expected: list[Row]) -> list[str]:
    if all(value is None for row in rows for value in row):
        return [f"shows nothing, gold has {len(expected)} rows"]
    params, width, found = chart["params"], len(rows[0]), []
    if any(len(row) not in (width, width + 1) for row in expected):
        return [f"shows {width} columns, the statement gives {len(expected[0])}"]

    most = params.get("series_limit") or params.get("limit")
    if most and _has_series(chart):
        measures, series = {row[1]: row[-1] for row in expected}, {row[1] for row in rows}
        if _greatest(map(measures.get, series)) != _greatest(measures.values())[:most]:
            found.append(f"shows the series {sorted(map(str, series))}, which are not the greatest {most}")
        expected = [row for row in expected if row[1] in series]

    left, matched, strange = defaultdict(list), [], []
    for row in expected:
        left[_labels(row[:width])].append(row)
    for row in rows:
        same = next((other for other in left[_labels(row)] if all(map(_same, row, other))), None)
        if same is None:
            strange.append(row)
        else:
            left[_labels(row)].remove(same)
            matched.append(same)
    for row in strange:
        others = left[_labels(row)]
        found.append(f"shows {row}, gold has {others.pop(0)[:width] if others else 'no such row'}")

    limit = params.get("row_limit_b" if half else "row_limit") or math.inf
    limit = min(limit, params["server_page_length"]) if params.get("server_pagination") else limit
    if len(expected) <= limit:
        return found + [f"does not show {row[:width]}" for others in left.values() for row in others]
    if len(rows) != limit:
        found.append(f"shows {len(rows)} rows of {len(expected)}, not the first {limit}")
    dimensions, metrics, measure = _columns(chart, half)
    place = (dimensions + metrics).index(measure) if measure in dimensions + metrics else len(expected[0]) - 1
    if _greatest(row[place] for row in matched) != _greatest(row[place] for row in expected)[: int(limit)]:
        found.append(f"does not show the greatest {limit} of {len(expected)} rows")
    return found


def _columns(chart: dict[str, Any], half: int) -> tuple[list[str], list[str], str]:
    """Dimensions and metrics of a query of a chart, in the order of the chart, and by which of them a limit chooses."""
    params, viz = chart["params"], chart["viz_type"]
    if params.get("query_mode") == "raw":
        return params["all_columns"], [], json.loads(params["order_by_cols"][0])[0]
    metrics = params["metrics_b" if viz == "mixed_timeseries" and half else "metrics"] if "metrics" in params else []
    metrics = metrics or [params["metric"]]
    measure = params.get("timeseries_limit_metric") or params.get("series_limit_metric") or metrics[0]
    if viz == "pivot_table_v2":
        return params["groupbyRows"] + params["groupbyColumns"], metrics, measure
    groupby = params.get("groupby") or []
    x = [params[name] for name in ("x_axis", "entity") if name in params]
    return x + ([groupby] if isinstance(groupby, str) else groupby), metrics, measure


def _has_series(chart: dict[str, Any]) -> bool:
    params = chart["params"]
    return chart["viz_type"].startswith("echarts_timeseries") and bool(params.get("groupby") or params["metrics"][1:])


def _cell(value: Any, coltype: int | None = None) -> Any:
    if coltype == _TEMPORAL and value is not None:
        value = _EPOCH + timedelta(milliseconds=value)
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
        return moment.isoformat(timespec="milliseconds")
    return round(float(value), 9) if isinstance(value, int | float | Decimal) else value


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and not (one.is_integer() and other.is_integer()):
        return math.isclose(one, other, rel_tol=TOLERANCE) and abs(one - other) < CENT
    return bool(one == other)


def _labels(row: Row) -> Row:
    return tuple(value if isinstance(value, str) else None for value in row)


def _greatest(values: Iterable[Any]) -> list[Any]:
    return sorted(values, key=lambda value: (value is not None, value), reverse=True)
