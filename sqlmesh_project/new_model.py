"""A first model over a staging table: its columns as they are, ready to be narrowed, joined and summed."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from warehouse.column_types import redshift_type
from warehouse.quote import identifier, literal
from warehouse.staging import STAGING

from .loading import FOLDER, ModelError

_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_KEPT = ("ops", "main", "information_schema", "pg_catalog")
LONGEST = 200
"""Characters of a row of a unit test that is a line."""


@dataclass(frozen=True)
class Field:
    """A column of the model.

    Attributes:
        type: as staging has it, such as ``VARCHAR(20)``.
        values: one for each row of the unit test.
    """

    name: str
    type: str
    description: str
    nullable: bool
    values: Sequence[Any]


def make_model(
    name: str,
    table: str,
    owner: str,
    about: str,
    key: Collection[str],
    fields: Sequence[Field],
    marks_deleted: bool = False,
) -> dict[Path, str]:
    """Text by path, from the project's folder, of a model that passes a table's rows on, and of its unit test.

    Args:
        name: ``domain.model``.
        table: the table it reads, such as ``stg_shop.orders``.
        key: columns that name one row.
        marks_deleted: whether the table keeps rows that its source has deleted, with a mark: they do not count.

    Raises:
        ModelError: the name cannot be a model's, or the model is there already; nothing was written.
    """
    if not _NAME.fullmatch(name) or name.startswith((STAGING, *(f"{kept}." for kept in _KEPT))):
        raise ModelError(
            f"{name!r} cannot be a model's name: it is DOMAIN.NAME in small letters, digits and _, and the domain is not"
            f" {', '.join(_KEPT)} or {STAGING}..."
        )
    domain, short = name.split(".")
    model, test = Path("models", domain, f"{short}.sql"), Path("tests", f"test_{domain}_{short}.yaml")
    for path in (model, test):
        if (FOLDER / path).exists():
            raise ModelError(f"sqlmesh_project/{path} is there already, and stays as it is; choose another name")
    return {
        model: _format(_sql(name, table, owner, about, key, fields, marks_deleted)),
        test: _test(name, table, fields, marks_deleted),
    }


def _sql(
    name: str, table: str, owner: str, about: str, key: Collection[str], fields: Sequence[Field], marks_deleted: bool
) -> str:
    described = ", ".join(f"{_named(f.name)} = {literal(f.description or f.name)}" for f in fields)
    unique = "UNIQUE_VALUES" if len(key) == 1 else "UNIQUE_COMBINATION_OF_COLUMNS"
    required = [f.name for f in fields if not f.nullable or f.name in key]
    audits = f"{unique}(columns := ({_listed(key)})), NOT_NULL(columns := ({_listed(required)}))"
    columns = ", ".join(f"t.{_named(f.name)}::{redshift_type(f.type)} AS {_named(f.name)}" for f in fields)
    grain = _listed(key) if len(key) == 1 else f"({_listed(key)})"
    return (
        f"MODEL (name {name}, kind FULL, owner {_named(owner)}, grain {grain}, description {literal(about)},"
        f" column_descriptions ({described}), audits ({audits}));\n"
        f"SELECT {columns} FROM {table} AS t{' WHERE NOT t._deleted' if marks_deleted else ''}"
    )


def _format(sql: str) -> str:
    """The text as `sqlmesh format` has it."""
    from sqlmesh.core.dialect import format_model_expressions, parse

    return f"{format_model_expressions(parse(sql, default_dialect='redshift'), dialect='redshift')}\n".replace(
        "\n\n\n", "\n\n"
    )


def _test(name: str, table: str, fields: Sequence[Field], marks_deleted: bool) -> str:
    """The unit test: the rows that go in come out."""
    count = min((len(field.values) for field in fields), default=0)
    given, expected = ([{f.name: f.values[place] for f in fields} for place in range(count)] for _ in range(2))
    document = {
        f"test_{name.replace('.', '_')}": {
            "model": name,
            "inputs": {table: [row | ({"_deleted": False} if marks_deleted else {}) for row in given]},
            "outputs": {"query": expected},
        }
    }
    text: str = yaml.dump(document, Dumper=_Indented, sort_keys=False, width=LONGEST * 2, allow_unicode=True)
    return text


class _Indented(yaml.SafeDumper):
    """Lists are indented below their name, and a short row is a line, as people write unit tests."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        flat = not any(isinstance(value, dict | list) for value in mapping.values()) and len(str(mapping)) < LONGEST
        return super().represent_mapping(tag, mapping, flow_style=flat)


def _listed(names: Collection[str]) -> str:
    return ", ".join(map(_named, names))


def _named(name: str) -> str:
    """A name as a person writes it, quoted only where it must be."""
    from sqlglot import exp, parse_one
    from sqlglot.errors import ParseError

    if not _PLAIN.fullmatch(name):
        return identifier(name)
    try:
        plain = isinstance(parse_one(name, dialect="redshift"), exp.Column)
    except ParseError:
        plain = False
    return name if plain else identifier(name)
