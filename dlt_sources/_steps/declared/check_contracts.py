"""Whether a table's declaration and its contract fit: every field that is named is there, and is what it is used for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime

import duckdb

from foundation.causes import first_line
from warehouse.quote import identifier
from warehouse.staging import JUDGED_MARKS, MARKS

from ..contracts.columns import Column, is_made
from ..contracts.contract import FILE, FILE_ROW, FOR_EACH, INDEX, PARENT, RESERVED, Contract
from .declaration_error import hint
from .names import refuse_column
from .source_kinds import PythonSource, SqlSource
from .source_yml import AnySource, Table

Problem = tuple[str, str]
"""The key of the table in source.yml, and what is wrong with what it says."""
FieldProblem = tuple[str, str]
"""The field of the contract, and what is wrong with it."""
LONGEST_READ = 4_096
"""Characters of a text that is read whole from silver: Redshift cuts Iceberg's strings at 16,384 bytes, four a character."""


def check_table(
    declared: AnySource,
    table: Table,
    contract: type[Contract],
    columns: Mapping[str, Column],
    parent: Mapping[str, Column],
) -> Iterator[Problem]:
    """What does not fit in a table's declaration.

    Args:
        columns: the contract's, with those that are not stored.
        parent: of a table made with `from`, the columns of the contract of the table it is made from.
    """
    stored = [*(name for name, column in columns.items() if column.stored), *MARKS]
    for key in ("distribute_by", "sort_by"):
        field = getattr(table, key)
        if field and field not in stored:
            reason = f"{field!r} is not a column that {contract.__name__} has in the warehouse"
            yield key, reason + hint(field, stored)
    yield from _external(table, columns)
    yield from _keys("key", table.key, contract, columns)
    if table.from_ is None:
        yield from _deletes(table, contract, columns)
        yield from _cursor(declared, table, contract, columns)
    else:
        yield from _parents(table, declared.tables[table.from_], contract, columns, parent)
    if table.by_file:
        named = next((c for c in columns.values() if c.path == (FILE,)), None)
        if named is None:
            reason = f"files in mode {table.mode} need to know their rows again: give {contract.__name__} a field with path={FILE!r}"
            yield "mode", reason
        elif not named.stored or named.private or named.nullable:
            yield "mode", f"{contract.__name__}.{named.name} names the file: it must be stored, in clear and never NULL"


def _external(table: Table, columns: Mapping[str, Column]) -> Iterator[Problem]:
    """What keeps a table's staging from being read where it lies."""
    if table.staging == "copied":
        return
    if table.from_ is not None:
        yield "staging", f"the rows change with those of {table.from_!r}, which silver's table alone does not say"
    if table.files:
        yield "staging", "which version of a file counts, and which file was withdrawn, silver does not say"
    if "postgres" in table.sinks:
        yield "staging", "the sink `postgres` would read all of silver at each run; remove the sink"
    for key in {"distribute_by", "sort_by"} & table.model_fields_set:
        yield key, f"rows of `staging: external` are neither spread nor sorted by the warehouse; remove `{key}`"
    for column in (c for c in columns.values() if c.stored and c.kind is str and c.pii != "hash"):
        longest = column.max_length or max((len(c) for c in column.choices), default=0)
        if not 0 < longest <= LONGEST_READ:
            yield (
                "staging",
                f"{column.name} may be longer than the {LONGEST_READ:,} characters that Redshift reads of a text in silver;"
                " give it a `max_length`",
            )


def _keys(key: str, names: list[str], contract: type[Contract], columns: Mapping[str, Column]) -> Iterator[Problem]:
    """Of fields that name a row or a record."""
    if len(set(names)) < len(names):
        yield key, f"{', '.join(names)}: a field is named twice"
    for name in dict.fromkeys(names):
        column, what = columns.get(name), f"{contract.__name__}.{name}"
        if column is None:
            yield key, f"{name!r} is not a field of {contract.__name__}{hint(name, columns)}"
        elif column.computed:
            yield key, f"{what} is computed; name the fields that it is computed from"
        elif column.kind is list or not column.stored:
            kind = "a list" if column.kind is list else "not stored in the warehouse"
            yield key, f"{what} is {kind}; name fields that are columns"
        elif column.nullable or _defaults_to_none(contract, name):
            yield (
                key,
                f"{what} may be NULL, and NULL never equals NULL: such a row would be doubled by each update. Write its"
                " type without `| None`, with a default such as '' where the source sends none, or leave it out",
            )


def _defaults_to_none(contract: type[Contract], name: str) -> bool:
    """Whether a row without the field gets NULL for it."""
    field = contract.model_fields[name]
    return not field.is_required() and field.default_factory is None and field.default is None


def _deletes(table: Table, contract: type[Contract], columns: Mapping[str, Column]) -> Iterator[Problem]:
    if not table.sees_deletes:
        return
    made = [name for name in table.key if name in columns and is_made(contract, columns[name])]
    if made:
        yield (
            "key",
            f"a row that vanished is found by its key as it landed, and {', '.join(made)} is made by"
            f" {contract.__name__}'s own code; give the field the landed name as its path",
        )


def _cursor(
    declared: AnySource, table: Table, contract: type[Contract], columns: Mapping[str, Column]
) -> Iterator[Problem]:
    if not table.cursor:
        return
    column, what = columns.get(table.cursor), f"{contract.__name__}.{table.cursor}"
    if column is None:
        yield "cursor", f"{table.cursor!r} is not a field of {contract.__name__}{hint(table.cursor, columns)}"
    elif column.computed:
        yield "cursor", f"{what} is computed after the read; name a field that the source sends"
    elif column.kind not in (date, datetime):
        yield (
            "cursor",
            f"{what} is {column.kind.__name__}; a cursor is a date or a datetime. Without one the table is read whole and"
            " only changed rows land",
        )
    elif is_made(contract, column):
        yield "cursor", f"{what} is made by the contract's own code; name a field that the source sends"
    elif isinstance(declared, SqlSource) and all(len(path) > 1 for path in column.paths):
        yield "cursor", f"{what} is inside another column; a database is asked by a column of its own"


def _parents(
    table: Table,
    origin: Table,
    contract: type[Contract],
    columns: Mapping[str, Column],
    parent: Mapping[str, Column],
) -> Iterator[Problem]:
    """Of rows made from the elements of another table's records, which change when their record does."""
    yield from _keys("parent_key", table.parent_key, contract, columns)
    for name in (name for name in table.parent_key if name in columns):
        mine, theirs = columns[name], parent.get(name)
        if theirs is None:
            yield "parent_key", f"{name!r} is not a field of the contract of {table.from_!r}{hint(name, parent)}"
        elif (mine.kind, mine.pii) != (theirs.kind, theirs.pii):
            yield (
                "parent_key",
                f"{name!r} is of another type, or `pii`, in the contract of {table.from_!r}; make them equal",
            )
    if set(table.parent_key) != set(origin.key):
        reason = f"the record is named by the key of {table.from_!r}; write [{', '.join(origin.key)}]"
        yield "parent_key", reason
    elif missing := [name for name in table.parent_key if name not in table.key]:
        yield "key", f"add {', '.join(missing)}: elements of two records with the same key would be taken for one"
    same = [c for c in parent.values() if (table.explode,) in c.paths]
    lists = {str(path[0]) for c in parent.values() if c.kind is list for path in c.paths}
    if same and not any(c.kind is list for c in same):
        yield "explode", f"{table.explode!r} is {same[0].kind.__name__}, not a list, in the contract of {table.from_!r}"
    elif not same and (
        meant := difflib.get_close_matches(str(table.explode), lists, n=1)
    ):  # another list may stay unnamed
        reason = f"{table.explode!r} is not a list of the contract of {table.from_!r}; did you mean {meant[0]!r}?"
        yield "explode", reason


def check_fields(
    declared: AnySource, table: Table, contract: type[Contract], columns: Iterable[Column]
) -> Iterator[FieldProblem]:
    """What is wrong with a contract's fields for the table that uses it."""
    every = list(columns)
    for column in every:
        if column.stored and (reason := refuse_column(column.name)):
            yield column.name, reason
        if not column.computed:
            if not column.nullable and _defaults_to_none(contract, column.name):
                yield (
                    column.name,
                    "the default None is not of its type; write `| None` behind the type, or another default",
                )
            for path in column.paths:
                if reason := _path(declared, table, path):
                    yield column.name, reason
    yield from _computed(every)


def _path(declared: AnySource, table: Table, path: tuple[str | int, ...]) -> str | None:
    """Why no row can have a value at the path."""
    head = path[0]
    if head in (PARENT, INDEX):
        return None if table.from_ else f"only a row of a table made with `from` has {head!r}; correct the path"
    if head == FOR_EACH:
        if not table.for_each:
            return f"only a row of an endpoint with `for_each` has {head!r}; correct the path"
        named = len(path) > 1 and all(isinstance(part, str) for part in path)
        return None if named else f"name one of the record's own values, such as '{FOR_EACH}.id'"
    if head in (FILE, FILE_ROW) and not table.files:
        return None if isinstance(declared, PythonSource) else f"only a row of a file has {head!r}; correct the path"
    native = declared.brings == "columns" and table.rows is None
    if native and head in RESERVED - {FILE, FILE_ROW}:
        return f"Millrace uses the name {head!r} itself; read a view, or a file, that calls the column otherwise"
    return None


def _computed(columns: list[Column]) -> Iterator[FieldProblem]:
    """Expressions that the engine cannot even read: a typo, a column that is not there."""
    if not any(column.computed for column in columns):
        return
    known = {c.name: f"CAST(NULL AS {c.sql_type})" for c in columns if c.stored and not c.computed}
    known |= {name: f"CAST(NULL AS {kind})" for name, kind in JUDGED_MARKS.items()}
    with duckdb.connect(config={"enable_external_access": "false"}) as con:
        for column in (column for column in columns if column.computed):
            rows = ", ".join(f"{value} AS {identifier(name)}" for name, value in known.items())
            try:
                con.execute(f"DESCRIBE SELECT CAST({column.computed} AS {column.sql_type}) FROM (SELECT {rows})")
            except duckdb.Error as error:
                reason = re.sub(r"^\w+ Error: ", "", (str(error).splitlines() or ["?"])[0])
                yield column.name, f"its expression cannot be computed: {reason}"
            known[column.name] = f"CAST(NULL AS {column.sql_type})"  # the next one may use it


def explain_type(contract: type[Contract], error: Exception) -> tuple[str | None, str]:
    """(field, reason) of an exception of `columns_of`, which begins with ``Class.field: `` where it knows it."""
    text = first_line(error)
    found = re.match(rf"{contract.__name__}\.(\w+): (.*)", text)
    return (found[1], found[2]) if found else (None, text)
