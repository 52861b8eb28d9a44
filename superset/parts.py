"""What of the dashboards shows some models and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .scripts import files

HERE = Path(__file__).resolve().parent
ASSETS = HERE / "assets"


@dataclass
class Shown:
    """The files that go with some models.

    Attributes:
        remove: datasets of these models, their charts, and dashboards that hold no others.
        edit: what else names them, with what is left.
        mixed: dashboards that hold charts of these models and of others.
    """

    remove: list[Path] = field(default_factory=list)
    edit: dict[Path, str] = field(default_factory=dict)
    mixed: list[Path] = field(default_factory=list)


def find_shown(models: Collection[str], domains: Collection[str]) -> Shown:
    """What shows these models (``schema.name``) and nothing else.

    Args:
        domains: those of which no model is left.

    Raises:
        ValueError: an asset cannot be read; names the file.
    """
    shown, gone = Shown(), set()
    documents = files.read(ASSETS)
    for name, document in documents.items():
        table = f"{document.get('schema')}.{document.get('table_name')}"
        if name.startswith("datasets/") and table in set(models):
            gone.add(str(document["uuid"]))
            shown.remove.append(ASSETS / name)
    for name, document in documents.items():
        if name.startswith("charts/") and str(document.get("dataset_uuid")) in gone:
            gone.add(str(document["uuid"]))
            shown.remove.append(ASSETS / name)
    for name, document in documents.items():
        charts = {str(chart.get("uuid")) for chart in files.charts_of(document)} if name.startswith("dash") else set()
        if charts and charts <= gone:
            shown.remove.append(ASSETS / name)
        elif charts & gone:
            shown.mixed.append(ASSETS / name)
    _edit(shown, HERE / "security.yml", lambda text: _without_datasets(text, set(models)))
    _edit(shown, HERE / "reader.sql", lambda text: _without_schemas(text, set(domains)))
    return shown


def _edit(shown: Shown, path: Path, change: Callable[[str], str]) -> None:
    text = path.read_text(encoding="utf-8")
    if (left := change(text)) != text:
        shown.edit[path] = left


def _without_datasets(text: str, models: set[str]) -> str:
    """security.yml without the roles and rules whose datasets are all gone."""

    def goes(entry: str) -> bool:
        named = re.findall(r"^ +datasets:\s*(\[.*\])", entry, re.MULTILINE)
        datasets = {name for found in named for name in yaml.safe_load(found)}
        return bool(datasets) and datasets <= models

    kept = [entry for entry in re.split(r"^(?=\S|  \S)", text, flags=re.MULTILINE) if not goes(entry)]
    return re.sub(r"^(row_level_security:)\n*\Z", r"\1 []\n", "".join(kept), flags=re.MULTILINE)


def _without_schemas(text: str, domains: set[str]) -> str:
    """reader.sql without grants on schemas that are gone."""

    def left(found: re.Match[str]) -> str:
        return "SCHEMA " + ", ".join(name for name in found[1].split(", ") if name not in domains)

    return re.sub(r"SCHEMA (\w+(?:, \w+)+)", left, text)
