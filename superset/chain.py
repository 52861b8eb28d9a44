"""The chain from dashboard to column: every name that an asset uses, looked up in what it depends on.

Dashboard (layout, filters) to chart, chart to dataset, its columns and metrics, dataset to model, metric to column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from .scripts.files import Document, charts_of

COLUMNS = (
    "all_columns",
    "columns",
    "entity",
    "groupby",
    "groupby_b",
    "groupbyColumns",
    "groupbyRows",
    "series",
    "x_axis",
)
METRICS = (
    "metric",
    "metrics",
    "metrics_b",
    "percent_metrics",
    "secondary_metric",
    "series_limit_metric",
    "series_limit_metric_b",
    "size",
    "timeseries_limit_metric",
    "timeseries_limit_metric_b",
    "x",
    "y",
)
EITHER = ("x_axis_sort",)
FILTERS = ("adhoc_filters", "adhoc_filters_b")


def broken(assets: Mapping[str, Document], models: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Every link of the chain that leads nowhere, in words; empty when all hold.

    Args:
        assets: documents by file name, as `files.read` gives them.
        models: per model (``schema.name``) its columns.
    """
    by_uuid = {str(document["uuid"]): (name, document) for name, document in assets.items()}
    said: list[str] = []
    for name, document in assets.items():
        kind = name.split("/")[0]
        if kind == "dashboards":
            said += [f"{name}: {fault}" for fault in _dashboard(document, by_uuid)]
        elif kind == "charts":
            said += [f"{name}: {fault}" for fault in _chart(document, by_uuid)]
        elif kind == "datasets":
            said += [f"{name}: {fault}" for fault in _dataset(document, models, by_uuid)]
    shown = {uid for document in _of(assets, "dashboards") for uid in _charts(document)}
    said += [
        f"{name}: no dashboard shows it"
        for name, d in assets.items()
        if name.startswith("charts/") and d["uuid"] not in shown
    ]
    return said


def _dashboard(document: Document, by_uuid: Mapping[str, tuple[str, Document]]) -> Iterator[str]:
    for uid in _charts(document):
        if not by_uuid.get(uid, ("",))[0].startswith("charts/"):
            yield f"shows a chart that no file holds: {uid}"
    for part in (document.get("position") or {}).values():
        for child in part.get("children", []) if isinstance(part, dict) else []:
            if child not in document["position"]:
                yield f"layout: {part['id']} holds {child}, which is not there"
    for chosen in document.get("metadata", {}).get("native_filter_configuration", []):
        for target in chosen["targets"]:
            if not target:  # a time range
                continue
            _, dataset = by_uuid.get(target.get("datasetUuid", ""), ("", {}))
            if not dataset:
                yield f"filter {chosen['name']!r}: no file holds its dataset"
            elif target["column"]["name"] not in _columns(dataset):
                yield f"filter {chosen['name']!r}: {_name(dataset)} has no column {target['column']['name']!r}"


def _chart(document: Document, by_uuid: Mapping[str, tuple[str, Document]]) -> Iterator[str]:
    _, dataset = by_uuid.get(document["dataset_uuid"], ("", {}))
    if not dataset:
        yield "no file holds its dataset"
        return
    params, columns = document["params"], _columns(dataset)
    metrics = {metric["metric_name"] for metric in dataset.get("metrics", [])}
    for key in (*COLUMNS, *METRICS, *EITHER):
        for used in _names(params.get(key)):
            known = columns if key in COLUMNS else metrics if key in METRICS else columns | metrics
            if used not in known:
                word = "column" if key in COLUMNS else "metric" if key in METRICS else "column or metric"
                yield f"{key}: {_name(dataset)} has no {word} {used!r}"
        for text in _expressions(params.get(key)):
            yield from _in_sql(key, text, dataset)
    for key in FILTERS:
        for condition in params.get(key, []):
            if condition.get("expressionType") == "SQL":
                yield from _in_sql(key, condition["sqlExpression"], dataset)
            elif condition["subject"] not in columns:
                yield f"{key}: {_name(dataset)} has no column {condition['subject']!r}"
    for used in params.get("column_config", {}):
        if used not in columns | metrics:
            yield f"column_config: {_name(dataset)} has no column or metric {used!r}"


def _dataset(
    document: Document, models: Mapping[str, Mapping[str, Any]], by_uuid: Mapping[str, tuple[str, Document]]
) -> Iterator[str]:
    if not by_uuid.get(document["database_uuid"], ("",))[0].startswith("databases/"):
        yield "no file holds its database"
    if document.get("sql"):
        yield "reads SQL of its own; make it a model, where it is tested and checked"
    model = models.get(_name(document))
    if model is None:
        yield f"there is no model {_name(document)}"
        return
    for column in document.get("columns", []):
        if column.get("expression"):
            yield from _in_sql(column["column_name"], column["expression"], document)
        elif column["column_name"] not in model:
            yield f"model {_name(document)} has no column {column['column_name']!r}"
    for metric in document.get("metrics", []):
        yield from _in_sql(f"metric {metric['metric_name']}", metric["expression"], document)
    if (time := document.get("main_dttm_col")) and time not in _columns(document):
        yield f"main_dttm_col: there is no column {time!r}"


def _in_sql(where: str, text: str, dataset: Document) -> Iterator[str]:
    """Columns of an SQL expression that the dataset does not have. It has to be SQL of both DuckDB and Redshift."""
    for dialect in ("duckdb", "redshift"):
        try:
            tree = sqlglot.parse_one(text, dialect=dialect)
        except ParseError as error:
            yield f"{where}: {text!r} is not SQL of {dialect}: {str(error).splitlines()[0]}"
            return
    for column in tree.find_all(exp.Column):
        if column.name not in _columns(dataset):
            yield f"{where}: {_name(dataset)} has no column {column.name!r}"
    for node in tree.find_all(exp.Avg, exp.Div):
        if not _is_double(node.this):
            yield f"{where}: {text!r}: Redshift cuts averages and quotients of decimals and integers; CAST(... AS DOUBLE PRECISION)"


def _is_double(node: exp.Expression) -> bool:
    return isinstance(node, exp.Cast) and node.to.is_type(exp.DataType.Type.DOUBLE)


def _names(value: Any) -> Iterator[str]:
    """The columns or metrics that a control names; an ad hoc one is a mapping and has no name to look up."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str) and item:
            yield item
        elif isinstance(item, dict) and item.get("expressionType") == "SIMPLE":
            yield item["column"]["column_name"]


def _expressions(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict) and item.get("sqlExpression"):
            yield item["sqlExpression"]


def _columns(dataset: Document) -> set[str]:
    return {column["column_name"] for column in dataset.get("columns", [])}


def _charts(dashboard: Document) -> set[str]:
    return {meta["uuid"] for meta in charts_of(dashboard)}


def _of(assets: Mapping[str, Document], kind: str) -> Iterable[Document]:
    return [document for name, document in assets.items() if name.startswith(f"{kind}/")]


def _name(dataset: Document) -> str:
    return f"{dataset['schema']}.{dataset['table_name']}"
