"""A first chart of a model: its dataset, the chart and a dashboard that shows it, as the files that an import takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from errors import ExitCode, MillraceError

from .derive import ASSETS, derived
from .scripts import files
from .scripts.files import Document
from .titles import make_slug, make_title, put_in_words

if TYPE_CHECKING:
    from sqlmesh_project.door import ModelColumn

Columns = Mapping[str, "ModelColumn"]
_NUMBERS = ("DECIMAL", "DOUBLE", "FLOAT", "INT", "BIGINT", "SMALLINT", "TINYINT", "REAL", "HUGEINT")
_NO_AMOUNT = re.compile(r"(^|_)(id|key|code|number|no|nr|year|month|day|hour|zip|postcode|lat|lon|latitude|longitude)$")
_NO_CATEGORY = re.compile(r"(^|_)(id|key|uuid|email|name|title|description|hash|path|file|url|phone|street)$")
_PALETTE = "millrace"
_ROWS = 1000
_EVERYWHERE = {"excluded": [], "rootPath": ["ROOT_ID"]}
_ANY_TIME = {"clause": "WHERE", "comparator": "No filter", "expressionType": "SIMPLE", "operator": "TEMPORAL_RANGE"}
"""Takes the dashboard's time."""


class ChartError(MillraceError):
    """A chart cannot be made; nothing was written."""

    exit_code = ExitCode.CONFIGURATION


def make_chart(name: str, about: str, grain: Sequence[str], columns: Columns) -> tuple[dict[str, str], list[str], str]:
    """(text by file of `superset/assets`, what is left to decide, the SQL of what the chart must show).

    Args:
        name: ``domain.model``. about: its description.

    Raises:
        ChartError: it has a chart of this kind, or there is no database to read it from.
    """
    assets = files.read(ASSETS)
    time, category, amount = _chosen(columns, grain)
    dataset_name, dataset = _dataset(name, about, time, amount, columns, assets)
    metric, amount = _metric(dataset_name, dataset, amount)
    title = make_title(name, assets)
    kind, chart = _chart(name, title, dataset, time, category, metric, [*columns])
    dashboard = _dashboard(name, title, about, chart, dataset, time, category, assets)
    stem = name.replace(".", "_")
    made = {f"charts/{stem}.yaml": ("charts", chart), f"dashboards/{stem}.yaml": ("dashboards", dashboard)}
    if dataset_name not in assets:
        made[dataset_name] = ("datasets", dataset)
    for path in made:
        if (ASSETS / path).exists():
            raise ChartError(
                f"superset/assets/{path} is there already, and stays as it is; change it in the browser and export it"
            )
    doubts = [
        f"it is a {kind}: another kind, colours and its place are chosen in the browser, then `dashboards export`"
    ]
    if amount:
        doubts.append(f"{amount} is summed up: is a sum what it means?")
    return (
        {path: files.dump(files.plain(*pair)) for path, pair in sorted(made.items())},
        doubts,
        _sql(name, time, category, amount),
    )


def _metric(path: str, dataset: Document, amount: str | None) -> tuple[str, str | None]:
    """(the metric that sums the amount up, else the one that counts rows, by what they compute; the amount, if it is that).

    Raises:
        ChartError: the dataset, which is there already, has neither.
    """
    found = {"".join(m["expression"].upper().split()): m["metric_name"] for m in dataset.get("metrics", [])}
    for expression, of in ((f"SUM({_named(amount)})", amount), ("COUNT(*)", None)) if amount else (("COUNT(*)", None),):
        if name := found.get("".join(expression.upper().split())):
            return str(name), of
    wanted = f"SUM({_named(amount)}) or COUNT(*)" if amount else "COUNT(*)"
    raise ChartError(
        f"superset/assets/{path} has no metric {wanted}; it has {', '.join(sorted(found.values())) or 'none'}: add one to its"
        " `metrics`, or make the chart in the browser and export it"
    )


def _chosen(columns: Columns, grain: Sequence[str]) -> tuple[str | None, str | None, str | None]:
    """(a time, a category, an amount) among the columns: the first that is one, by type and name."""
    times = [name for name, column in columns.items() if column.type.startswith(("TIMESTAMP", "DATE"))]
    fitting = [name for name in times if not re.search(r"valid_|until|birth|expires|ended", name)]
    amounts = [
        name
        for name, column in columns.items()
        if column.type.startswith(_NUMBERS) and name not in grain and not _NO_AMOUNT.search(name)
    ]
    categories = [
        name
        for name, column in columns.items()
        if column.type.startswith(("TEXT", "VARCHAR")) and list(grain) != [name] and not _NO_CATEGORY.search(name)
    ]
    return next(iter(fitting), None), next(iter(categories), None), next(iter(amounts), None)


def _dataset(
    name: str, about: str, time: str | None, amount: str | None, columns: Columns, assets: Mapping[str, Document]
) -> tuple[str, Document]:
    """The model's dataset, with the file that it has or will have."""
    schema, table = name.split(".")
    for path, document in assets.items():
        if path.startswith("datasets/") and (document.get("schema"), document.get("table_name")) == (schema, table):
            return path, document
    database = next((d["uuid"] for path, d in sorted(assets.items()) if path.startswith("databases/")), None)
    if database is None:
        raise ChartError("superset/assets/databases holds no file: `git checkout` it, a dataset needs its database")
    metrics = [{"metric_name": "rows", "verbose_name": "Rows", "expression": "COUNT(*)", "d3format": ",d"}]
    if amount:
        metrics.append(
            {"metric_name": amount, "verbose_name": put_in_words(amount), "expression": f"SUM({_named(amount)})"}
        )
    document = {
        "always_filter_main_dttm": False,
        "database_uuid": database,
        "description": about or f"{put_in_words(table)}.",
        "filter_select_enabled": True,
        "main_dttm_col": time,
        "metrics": metrics,
        "normalize_columns": False,
        "schema": schema,
        "table_name": table,
        "uuid": _uuid("datasets", name),
        "version": "1.0.0",
    }
    return f"datasets/{name}.yaml", derived(document, dict(columns))


def _chart(
    name: str,
    title: str,
    dataset: Document,
    time: str | None,
    category: str | None,
    metric: str,
    columns: Sequence[str],
) -> tuple[str, Document]:
    """(its kind in words, the chart): a line by day where there is a time, else bars of a category, else the rows."""
    axis, shown = time or category, put_in_words(metric)
    if time:
        viz, words, said = (
            "echarts_timeseries_line",
            f"line of {metric} by day",
            f"{shown} by day, of {put_in_words(time).lower()}.",
        )
        params = _axis(time, metric) | {"time_grain_sqla": "P1D", "x_axis_time_format": "smart_date"}
        params["adhoc_filters"] = [dict(_ANY_TIME, subject=time)]
    elif category:
        viz, words = "echarts_timeseries_bar", f"bar chart of {metric} by {category}"
        said = f"{shown} by {put_in_words(category).lower()}."
        params = _axis(category, metric) | {"x_axis_sort": metric, "x_axis_sort_asc": False}
    else:
        viz, words, said = "table", "table of the rows", f"The first {_ROWS} rows."
        params = {"all_columns": list(columns), "query_mode": "raw", "row_limit": _ROWS, "groupby": [], "metrics": []}
    document = {
        "dataset_uuid": dataset["uuid"],
        "description": said,
        "params": {"adhoc_filters": [], "annotation_layers": [], "extra_form_data": {}, **params, "viz_type": viz},
        "slice_name": f"{title}, {shown.lower()}" if axis else title,
        "uuid": _uuid("charts", name),
        "version": "1.0.0",
        "viz_type": viz,
    }
    return words, document


def _axis(column: str, metric: str) -> Document:
    """What a chart with an axis is told."""
    return {
        "color_scheme": _PALETTE,
        "groupby": [],
        "metrics": [metric],
        "order_desc": True,
        "rich_tooltip": True,
        "row_limit": _ROWS,
        "show_legend": False,
        "truncateYAxis": False,
        "truncate_metric": True,
        "x_axis": column,
        "y_axis_bounds": [None, None],
    }


def _dashboard(
    name: str,
    title: str,
    about: str,
    chart: Document,
    dataset: Document,
    time: str | None,
    category: str | None,
    assets: Mapping[str, Document],
) -> Document:
    """A dashboard of this one chart; the browser adds others to it, or takes the chart to another dashboard."""
    uuid = _uuid("dashboards", name)
    colours: Document = next(
        (d["metadata"].get("label_colors", {}) for p, d in sorted(assets.items()) if p.startswith("dash")), {}
    )
    return {
        "dashboard_title": title,
        "description": about or f"{title}.",
        "metadata": {
            "color_scheme": _PALETTE,
            "cross_filters_enabled": True,
            "global_chart_configuration": {"scope": _EVERYWHERE},
            "label_colors": colours,
            "native_filter_configuration": [_filter(dataset, time, category)],
            "refresh_frequency": 0,
        },
        "position": _layout(f"CHART-{name.replace('.', '_')}", title, chart),
        "published": True,
        "slug": make_slug(name, uuid, assets),
        "uuid": uuid,
        "version": "1.0.0",
    }


def _filter(dataset: Document, time: str | None, category: str | None) -> Document:
    """A filter by time where the model has one, else by a category or what comes first."""
    column = category or next(str(column["column_name"]) for column in dataset["columns"])
    controls = {"enableEmptyFilter": False}
    if not time:
        controls |= {
            "defaultToFirstItem": False,
            "inverseSelection": False,
            "multiSelect": True,
            "searchAllOptions": True,
        }
    return {
        "cascadeParentIds": [],
        "controlValues": controls,
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "description": "",
        "filterType": "filter_time" if time else "filter_select",
        "id": f"NATIVE_FILTER-{'time' if time else column}",
        "name": "Time" if time else put_in_words(column),
        "scope": _EVERYWHERE,
        "targets": [{} if time else {"column": {"name": column}, "datasetUuid": dataset["uuid"]}],
        "type": "NATIVE_FILTER",
    }


def _layout(part: str, title: str, chart: Document) -> Document:
    """One row with one chart."""
    above = ["ROOT_ID", "GRID_ID"]
    return {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"children": ["GRID_ID"], "id": "ROOT_ID", "type": "ROOT"},
        "HEADER_ID": {"id": "HEADER_ID", "meta": {"text": title}, "type": "HEADER"},
        "GRID_ID": {"children": ["ROW-GRID-1"], "id": "GRID_ID", "parents": above[:1], "type": "GRID"},
        "ROW-GRID-1": {
            "children": [part],
            "id": "ROW-GRID-1",
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
            "parents": above,
            "type": "ROW",
        },
        part: {
            "children": [],
            "id": part,
            "meta": {"height": 60, "uuid": chart["uuid"], "width": 12},
            "parents": [*above, "ROW-GRID-1"],
            "type": "CHART",
        },
    }


def _sql(name: str, time: str | None, category: str | None, amount: str | None) -> str:
    """What the chart must show, for tests/superset/numbers.yml."""
    value = f"SUM({_named(amount)})" if amount else "COUNT(*)"
    if time:
        return f"SELECT DATE_TRUNC('day', {_named(time)}), {value} FROM {name} GROUP BY 1"
    return f"SELECT {_named(category)}, {value} FROM {name} GROUP BY 1" if category else f"SELECT * FROM {name}"


def _uuid(kind: str, name: str) -> str:
    """The same for the same model, so that a file that was removed and made again is the same asset."""
    return str(uuid5(NAMESPACE_URL, f"millrace/{kind}/{name}"))


def _named(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else f'"{name}"'
