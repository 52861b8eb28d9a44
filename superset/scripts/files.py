"""Assets as files: YAML that is small, sorted and free of secrets and of numbers that only one Superset knows.

Superset's own export holds numeric ids, times, empty values and lists in the order of its tables. `plain` takes one
exported document to what belongs in a file; `complete` takes a file to what Superset's import needs. Charts are named
by UUID wherever Superset uses the numeric id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]
KINDS = ("databases", "datasets", "charts", "dashboards")
METADATA = {"version": "1.0.0", "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"}
TITLES = {
    "databases": "database_name",
    "datasets": "table_name",
    "charts": "slice_name",
    "dashboards": "dashboard_title",
}

# What an import must reset when the file no longer says it: Superset leaves out what it is not told.
_OPTIONAL: dict[str, Document] = {
    "databases": {"cache_timeout": None, "configuration_method": "sqlalchemy_form", "impersonate_user": False},
    "datasets": {
        "cache_timeout": None,
        "catalog": None,
        "default_endpoint": None,
        "description": None,
        "extra": None,
        "fetch_values_predicate": None,
        "main_dttm_col": None,
        "offset": 0,
        "params": None,
        "sql": None,
        "template_params": None,
    },
    "charts": {
        "cache_timeout": None,
        "certification_details": None,
        "certified_by": None,
        "description": None,
        "query_context": None,
    },
    "dashboards": {"certification_details": "", "certified_by": "", "css": "", "description": None},
}
_COLUMN = {
    "advanced_data_type": None,
    "description": None,
    "expression": None,
    "extra": None,
    "filterable": True,
    "groupby": True,
    "is_active": True,
    "is_dttm": False,
    "python_date_format": None,
    "datetime_format": None,
    "verbose_name": None,
}
_METRIC = {
    "currency": None,
    "d3format": None,
    "description": None,
    "extra": None,
    "metric_type": None,
    "verbose_name": None,
    "warning_text": None,
}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_EMPTY: tuple[Any, ...] = (None, "", [], {})
# Written by browsers on every save, worked out again from the layout on every load.
_WORKED_OUT = {
    "chart_configuration",
    "chartsInScope",
    "color_scheme_domain",
    "map_label_colors",
    "shared_label_colors",
    "tabsInScope",
}
_PRIVATE = {"encrypted_extra", "masked_encrypted_extra", "password", "ssh_tunnel"}
_OF_THE_CHART = {"datasource", "slice_id", "dashboards", "datasource_id", "datasource_type"}


def read(folder: Path) -> dict[str, Document]:
    """Every asset file under `folder`, by its path there.

    Raises:
        ValueError: a file is not YAML, has no uuid, or has that of another; names the file.
    """
    found: dict[str, Document] = {}
    owners: dict[str, str] = {}
    for path in sorted(folder.rglob("*.yaml")):
        name = path.relative_to(folder).as_posix()
        if name.split("/")[0] not in KINDS:
            continue
        try:
            document = yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 the safe one in C
        except yaml.YAMLError as error:
            raise ValueError(f"{path}: not YAML: {error}") from error
        if not isinstance(document, dict) or "uuid" not in document:
            raise ValueError(f"{path}: no `uuid`, which is what Superset knows an asset by")
        if (owner := owners.setdefault(str(document["uuid"]), name)) != name:
            raise ValueError(f"{path}: has the uuid of {owner}; a copy needs one of its own")
        found[name] = document
    return found


def write(folder: Path, documents: Iterable[tuple[str, Document]]) -> list[str]:
    """Make `folder` hold exactly the given (kind, exported document) pairs; returns what changed, one line per file.

    An asset keeps its file whatever its title becomes; a new one is named after its title.
    """
    before = read(folder)
    paths = {str(document["uuid"]): name for name, document in before.items()}
    after: dict[str, str] = {}
    for kind, exported in documents:
        document = plain(kind, exported)
        name = paths.get(document["uuid"]) or _new_name(kind, document, {*paths.values(), *after})
        after[name] = dump(document)
    said = []
    for name in sorted({*before, *after}):
        path = folder / name
        if name not in after:
            path.unlink()
            said.append(f"removed {name}")
        elif not path.exists() or path.read_text(encoding="utf-8") != after[name]:
            said.append(f"{'changed' if path.exists() else 'added'} {name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(after[name], encoding="utf-8")
    return said


def dump(document: Document) -> str:
    """A document as the text of its file."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=120)


def plain(kind: str, exported: Document) -> Document:
    """An exported document without what only this Superset knows, without empty values, sorted."""
    document = deepcopy(exported)
    document["uuid"] = str(document["uuid"])
    if kind == "databases":
        document["sqlalchemy_uri"] = "set by target"
        document = {key: value for key, value in document.items() if key not in _PRIVATE}
    if kind == "datasets":
        for part, defaults, name in (("columns", _COLUMN, "column_name"), ("metrics", _METRIC, "metric_name")):
            rows = [_without(row, {**defaults, "type_generic": None}) for row in document.get(part) or []]
            document[part] = sorted(rows, key=lambda row: str(row[name]))
    if kind == "charts":
        document["params"] = {k: v for k, v in (document.get("params") or {}).items() if k not in _OF_THE_CHART}
        document.pop("query_context", None)  # browsers write it when they open a chart
    if kind == "dashboards":
        uuids = {str(meta["chartId"]): meta["uuid"] for meta in charts_of(document) if "chartId" in meta}
        document["metadata"] = _translate(document.get("metadata") or {}, uuids)
        for meta in charts_of(document):
            meta.pop("chartId", None)
            meta.pop("sliceName", None)
    return {key: _pruned(value) for key, value in _without(document, _OPTIONAL[kind]).items()}


def complete(kind: str, document: Document) -> Document:
    """A file's document as Superset's import wants it: all values there, charts by a number."""
    whole = {**deepcopy(_OPTIONAL[kind]), **deepcopy(document)}
    if kind == "datasets":
        whole["columns"] = [{**_COLUMN, **row} for row in whole.get("columns", [])]
        whole["metrics"] = [{**_METRIC, **row} for row in whole.get("metrics", [])]
    if kind == "charts":
        whole.setdefault("params", {}).setdefault("viz_type", whole["viz_type"])
    if kind == "dashboards":
        numbers = {meta["uuid"]: number for number, meta in enumerate(charts_of(whole), 1)}
        for meta in charts_of(whole):
            meta["chartId"] = numbers[meta["uuid"]]
        whole["metadata"] = _translate(whole.get("metadata") or {}, numbers)
    return whole


def charts_of(dashboard: Document) -> list[Document]:
    """What the layout of a dashboard says of each chart in it: its uuid, its width and height."""
    return list(_places(dashboard.get("position") or {}).values())


def _places(position: Document) -> dict[str, Document]:
    parts = position.items()
    return {name: part["meta"] for name, part in parts if isinstance(part, dict) and part.get("type") == "CHART"}


def name_charts(position: Document, uuids: dict[int, str]) -> bool:
    """Give each chart of a layout its uuid: browsers note it there, who uses Superset's API need not.

    Args:
        position: The layout, changed in place.
        uuids: The uuid of each chart, by the number that this Superset knows it by. A place whose chart is gone leaves
            the layout: a file could not say what belongs there.

    Returns:
        Whether anything was changed.
    """
    unnamed = {name: meta for name, meta in _places(position).items() if not meta.get("uuid")}
    gone = {name for name, meta in unnamed.items() if meta.get("chartId") not in uuids}
    for name in unnamed.keys() - gone:
        unnamed[name]["uuid"] = uuids[unnamed[name]["chartId"]]
    for name in gone:
        del position[name]
    for part in position.values():
        if isinstance(part, dict) and gone.intersection(part.get("children", [])):
            part["children"] = [child for child in part["children"] if child not in gone]
    return bool(unnamed)


def _translate(metadata: Document, names: dict[str, Any]) -> Document:
    """Dashboard metadata with its charts named otherwise; what browsers work out themselves is left out."""
    metadata = {key: value for key, value in metadata.items() if key not in _WORKED_OUT}
    rename: Callable[[list[Any]], list[Any]] = lambda charts: [names[str(c)] for c in charts if str(c) in names]  # noqa: E731
    scoped = [*metadata.get("native_filter_configuration", []), metadata.get("global_chart_configuration", {})]
    for owner in scoped:
        for key in _WORKED_OUT & owner.keys():
            owner.pop(key)
        if excluded := owner.get("scope", {}).get("excluded"):
            owner["scope"]["excluded"] = rename(excluded)
    if "timed_refresh_immune_slices" in metadata:
        metadata["timed_refresh_immune_slices"] = rename(metadata["timed_refresh_immune_slices"])
    if "expanded_slices" in metadata:
        expanded = metadata["expanded_slices"].items()
        metadata["expanded_slices"] = {str(names[str(c)]): value for c, value in expanded if str(c) in names}
    return metadata


def _without(row: Document, defaults: Document) -> Document:
    return {k: v for k, v in row.items() if not (k in defaults and v == defaults[k]) and v not in _EMPTY}


def _pruned(value: Any) -> Any:
    """Nested values without nulls, which say nothing that leaving them out does not."""
    if isinstance(value, dict):
        return {str(k): _pruned(v) for k, v in value.items() if v is not None}
    return [_pruned(item) for item in value] if isinstance(value, list) else value


def _new_name(kind: str, document: Document, taken: set[str]) -> str:
    title = ".".join(str(document[key]) for key in ("schema", TITLES[kind]) if document.get(key))
    stem = re.sub(r"[^a-z0-9.]+", "_", title.lower()).strip("_") or document["uuid"]
    name = f"{kind}/{stem}.yaml"
    return name if name not in taken else f"{kind}/{stem}_{document['uuid'][:8]}.yaml"


class _Dumper(yaml.SafeDumper):
    """Lists stand indented under their key, as yamllint and people like them; no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True
