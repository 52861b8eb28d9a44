"""What a source sends, held against its contract while the rows are judged: fields that nobody declared, declared ones
without a value, and the types that values came in. Names and types only, never a value.

One pass in the engine over the rows of a load, beside the one that judges them; warehouse/drift.py compares it with what
was seen before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import duckdb

from foundation.visible import visible
from warehouse.held import Expected, Field, Seen
from warehouse.quote import identifier, literal

from ..contracts.columns import Column, columns_of, is_made
from ..contracts.contract import FILE, FILE_ROW, FOR_EACH, INDEX, MARKS, PARENT, PAYLOAD, RESERVED, Contract
from ..declared.names import field_name
from .bulk import json_path

if TYPE_CHECKING:
    from ..declared.declaration import Source

Parts = tuple[str, ...]
MOST = 50
"""Unknown names in one object above which they are taken for keys of a map, not for fields."""
VALUE = re.compile(r"@|\d{6}|[0-9a-f]{16}|^.{101}", re.IGNORECASE)
"""What a name has that is a value: an address, a number of an account, a hash."""
_CLASSES = {
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "OBJECT": "object",
    "ARRAY": "list",
    "DATE": "date",
    "TIME": "time",
    "UUID": "text",
    "BLOB": "bytes",
    "TEXT": "text",
    "BPCHAR": "text",
    "CHAR": "text",
    "BOOL": "boolean",
    "JSON": "object",
    "JSONB": "object",
    "BYTEA": "bytes",
}
_WHOLE = {
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
}


def observe(con: duckdb.DuckDBPyConnection, contract: type[Contract], explode: str | None) -> Seen | None:
    """What the rows of the view `landed` hold, less those that the source deleted; None: nothing can be known of them.

    Args:
        explode: the list whose elements are the rows; then the table `records` holds them.
    """
    try:
        landed = {row[0]: row[1] for row in con.execute("DESCRIBE landed").fetchall()}
        return _records(con, contract, explode, landed) if PAYLOAD in landed else _columns(con, contract, landed)
    except (duckdb.Error, ValueError):  # a name that no statement can hold, say: the rows are judged all the same
        return None


def merge_seen(found: Iterable[Seen | None]) -> Seen | None:
    """What several lots of rows of one table hold together."""
    lots = [seen for seen in found if seen is not None]
    fields: dict[str, Field] = {}
    unknown: dict[str, Field] = {}
    for whole, part in (
        (whole, part) for seen in lots for whole, part in ((fields, seen.fields), (unknown, seen.unknown))
    ):
        for name, found_in in part.items():
            whole[name] = whole[name] + found_in if name in whole else found_in
    as_columns = all(seen.as_columns for seen in lots)
    return Seen(sum(seen.rows for seen in lots), fields, unknown, as_columns) if lots else None


def add_unasked(seen: dict[str, Seen], unasked: dict[str, dict[str, str]]) -> dict[str, Seen]:
    """The same with the columns of a database that were not read, as no field of the contract names them."""
    whole = dict(seen)
    for table, columns in unasked.items():
        found = _safe({(name,): Field(0, 0, frozenset({_class(kind.upper())})) for name, kind in columns.items()})
        if united := merge_seen([seen.get(table), Seen(0, {}, found, as_columns=True)]):
            whole[table] = united
    return whole


def expected(source: Source) -> dict[str, Expected]:
    """What each table of a source may hold."""
    found = {}
    for name, contract in source.contracts.items():
        children = {child: table for child, table in source.tables.items() if table.from_ == name}
        paths = [path for c in columns_of(contract, stored=False) for path in c.paths]
        above = [
            p[1:]
            for child in children
            for c in columns_of(source.contracts[child], stored=False)
            for p in c.paths
            if p[0] == PARENT
        ]
        ways = {_way(path) for path in [*paths, *above]} | {(str(table.explode),) for table in children.values()}
        known = {".".join(way[:length]) for way in ways for length in range(1, len(way) + 1)}
        fields = {
            c.name: ascii(f"{c.sql_type if c.stored else c.rule.type} {c.paths}")[:200] for c in _declared(contract)
        }
        found[name] = Expected(fields, frozenset(known | set(contract.needs) | set(contract.ignores)))
    return found


def _columns(con: duckdb.DuckDBPyConnection, contract: type[Contract], landed: dict[str, str]) -> Seen:
    """Of rows with columns of the source's own."""
    declared = {c.name: [str(path[0]) for path in c.paths] for c in _declared(contract)}
    own = [name for name in landed if name not in RESERVED]
    known = {name for names in declared.values() for name in names} | set(contract.needs)
    counts = con.execute(
        f"SELECT count(*), {', '.join(f'count({identifier(name)})' for name in own) or '0'} FROM landed WHERE NOT _deleted"
    ).fetchall()[0]
    values = dict(zip(own, counts[1:], strict=False))
    fields = {}
    for field, names in declared.items():
        there = [name for name in names if name in values]
        kinds = frozenset(_class(landed[name]) for name in there if values[name])
        most = max((values[name] for name in there), default=0)
        fields[field] = Field(counts[0] if there else 0, most, kinds)
    unknown: dict[Parts, Field] = {
        (name,): Field(counts[0], values[name], frozenset({_class(landed[name])})) for name in own if name not in known
    }
    return Seen(counts[0], fields, _safe(unknown), as_columns=True)


def _records(
    con: duckdb.DuckDBPyConnection, contract: type[Contract], explode: str | None, landed: Collection[str]
) -> Seen:
    """Of JSON records, or of the elements of one of their lists."""
    ways = {c.name: [way for path in c.paths if (way := _way(path))] for c in _declared(contract)}
    known = {way for found in ways.values() for way in found} | {(name,) for name in (FOR_EACH, *contract.needs)}
    if FILE in landed:  # records of files know where they are from
        known |= {(FILE,), (FILE_ROW,)}
    objects = {way[:length] for way in known for length in range(len(way))}
    item = (
        "SELECT unnest(items) AS item FROM records"
        if explode
        else f"SELECT {PAYLOAD} AS item FROM landed WHERE NOT _deleted"
    )
    rows = f"SELECT CAST(item AS VARCHAR) AS item FROM ({item})"
    con.execute(
        "CREATE OR REPLACE TEMP VIEW observed AS SELECT CASE WHEN json_valid(item) THEN"
        f" CASE WHEN json_type(item) = 'OBJECT' THEN item END END AS item FROM ({rows})"
    )
    total = con.execute("SELECT count(item) FROM observed").fetchall()[0][0]
    unknown: list[Parts] = []
    for parent in sorted(objects):
        names = f"json_keys(item, {literal(json_path(parent))})" if parent else "json_keys(item)"
        found = con.execute(f"SELECT DISTINCT unnest({names}) FROM observed LIMIT 10000").fetchall()
        fresh = [(*parent, name) for (name,) in found if (*parent, name) not in known | objects]
        clear = [way for way in fresh if not VALUE.search(way[-1])]
        unknown += [*sorted(clear)[: MOST + 1], *sorted(set(fresh) - set(clear))[:MOST]]
    paths = [*sorted({way for found in ways.values() for way in found}), *unknown]
    measured = dict(zip(paths, _measure(con, paths), strict=True))
    fields = {}
    for field, found in ways.items():
        there = [measured[way] for way in found]
        kinds = frozenset(kind for way in there for kind in way.kinds)
        fields[field] = Field(
            max((way.rows for way in there), default=0), max((way.values for way in there), default=0), kinds
        )
    return Seen(total, fields, _safe({way: measured[way] for way in unknown}))


def _measure(con: duckdb.DuckDBPyConnection, paths: list[Parts]) -> list[Field]:
    """Per path: in how many records it is there, in how many with a value, and of what types."""
    if not paths:
        return []
    listed = ", ".join(literal(json_path(path)) for path in paths)
    found = con.execute(
        f"SELECT place, kind, count(*) FROM (SELECT unnest(json_type(item, [{listed}])) AS kind,"
        f" unnest(range({len(paths)})) AS place FROM observed WHERE item IS NOT NULL) WHERE kind IS NOT NULL GROUP BY 1, 2"
    ).fetchall()
    fields = [Field(0, 0, frozenset())] * len(paths)
    for place, kind, count in found:
        value = kind != "NULL"
        fields[place] += Field(count, count if value else 0, frozenset({_class(kind)} if value else ()))
    return fields


def _declared(contract: type[Contract]) -> list[Column]:
    """The fields whose value the source itself sends."""
    made = (PARENT, INDEX, FOR_EACH)
    return [c for c in columns_of(contract, stored=False) if not is_made(contract, c) and c.path[0] not in made]


def _way(path: tuple[str | int, ...]) -> Parts:
    """The part of a path that leads through objects: what is in a list is seen as the list. Empty: DuckDB cannot follow it."""
    names: list[str] = []
    for part in path:
        if not isinstance(part, str) or part in MARKS or part == PARENT:
            break
        if not part or set(part) & set('"\\*\0'):
            return ()
        names.append(part)
    return tuple(names)


def _class(kind: str) -> str:
    """A type of DuckDB, or of its JSON functions, in a word for people."""
    base = re.split(r"[( ]", kind)[0]
    if kind.endswith("]") or base == "MAP":
        return "list" if kind.endswith("]") else "object"
    if base in _WHOLE:
        return "whole number"
    if base in ("DOUBLE", "FLOAT", "DECIMAL", "NUMERIC", "FLOAT4", "FLOAT8", "REAL"):
        return "number"
    if base.startswith("TIMESTAMP"):
        return "timestamp"
    return _CLASSES.get(base, "object" if base == "STRUCT" else base.lower())


def _safe(unknown: dict[Parts, Field]) -> dict[str, Field]:
    """Unknown fields under names that are safe to show: keys of a map, which are values, become one `*`."""
    clear: dict[Parts, int] = {}
    for *parent, name in unknown:
        clear[tuple(parent)] = clear.get(tuple(parent), 0) + (not VALUE.search(name))
    safe: dict[str, Field] = {}
    for (*parent, name), field in unknown.items():
        hidden = clear[tuple(parent)] > MOST or VALUE.search(name)
        shown = visible(" ".join(".".join([*parent, "*" if hidden else name]).split()))
        shown = shown.encode(errors="replace")[:200].decode(errors="ignore")  # what its column holds
        safe[shown] = safe[shown] + field if shown in safe else field
    return safe


_PYTHON = {
    "whole number": "int",
    "number": "float",
    "whole number or number": "float",
    "boolean": "bool",
    "date": "date",
    "timestamp": "datetime",
}


def lines_for(path: str, kinds: str, taken: Collection[str]) -> list[str]:
    """The lines of contract.py that declare an unknown field.

    Args:
        kinds: the types that its values came in, in words. taken: names that the contract has.
    """
    if path.endswith("*"):
        return [f"# {path}: a map with keys of its own; declare the object that holds them as `dict`"]
    if "list" in kinds or "object" in kinds:
        return [f"# {path} ({kinds}): a table of its own (`from`, `explode`), or fields by their `path`"]
    name = field_name(path, taken)
    kind = _PYTHON.get(" or ".join(sorted(kinds.split(" or "), reverse=True)), "str")
    way = "" if name == path else f", path={path!r}"
    limit = ", max_length=200" if kind == "str" else ""
    return [f'{name}: {kind} | None = column("describe it"{way}{limit}, default=None)']
