"""A CSV, JSON lines, Excel or Parquet file as one Parquet file of landed rows: whole, in constant memory, nothing dropped."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.quote import identifier, literal

from ...contracts.columns import describe_missing
from ...contracts.contract import FILE, FILE_ROW, MALFORMED, PAYLOAD, RESERVED, Contract
from ...declared.connections import FilesConnection
from ...declared.file_names import is_json_lines
from ...declared.source_error import quote_value
from ...stores.engine import engine
from ..named import NamesOfRecords
from .json_lines import is_text, read_lines
from .text_files import FileError, as_text, unify_line_ends

MOST_COLUMNS = 2_000
"""Redshift's tables have 1,600; some thousand more take more memory than a run has."""
LONGEST_NAME = 300
"""Characters of a column's name."""
_HEAD = 2_000
"""Records of a file that are looked at before all of them are."""
_LENGTHS = {"VARCHAR": "strlen({})", "JSON": "strlen({})", "BLOB": "octet_length({})"}
_NESTED = "strlen(CAST(to_json({}) AS VARCHAR))"


def as_parquet(
    path: Path,
    target: Path,
    name: str,
    contract: type[Contract],
    connection: FilesConnection,
    now: datetime,
    first: int,
    memory: str,
) -> None:
    """Write the rows of `path` to `target` with ``_file``, ``_file_row`` (from 0) and what every landed row has: ``_row``
    (from `first` on), ``_deleted`` and ``_read_at``.

    A CSV's cells, and those of a sheet, are text; an empty one is NULL and only that. A line that is not a row (too few or too many cells, not
    UTF-8, too long) becomes a row of ``_malformed`` alone, for its contract to reject. A line of JSON lines is a record
    to the letter, as a REST API's are, and the contract rejects one that is not an object.

    Raises:
        FileError: the file is empty, damaged, of another kind, or lacks a column.
    """
    if path.stat().st_size == 0:
        raise FileError("the file is empty; deliver it again")
    con = engine(target.parent, memory=memory, spill=target.parent / "spill")
    try:
        query = _rows(con, path, name, connection)
        columns = [row[0] for row in con.execute(f"DESCRIBE {query}").fetchall()]
        own = ", ".join(identifier(column) for column in columns if column not in (FILE_ROW, MALFORMED))
        if PAYLOAD not in columns and (lack := describe_missing(contract, columns, quote_value(own))):
            raise FileError(lack)
        con.execute(
            f"COPY (SELECT *, {literal(name)} AS {FILE}, {first} + {FILE_ROW} AS _row, FALSE AS _deleted,"
            f" TIMESTAMP {literal(now)} AS _read_at FROM ({query}))"
            f" TO {literal(target)} (FORMAT parquet, COMPRESSION zstd)"
        )
        if PAYLOAD in columns:
            _refuse_other_records(con, target, contract)
    except (duckdb.Error, pa.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0].replace(str(path), name)
        raise FileError(f"it cannot be read ({quote_value(reason)}); deliver it again") from None


def emptied(target: Path, name: str, now: datetime, first: int, memory: str) -> None:
    """Write one row that is none, for a file that had rows and has none any more: it is rejected, and the old rows go."""
    record = f"NULL::VARCHAR AS {PAYLOAD}, " if is_json_lines(name) else ""
    engine(target.parent, memory=memory).execute(
        f"COPY (SELECT {record}'the file has no rows any more' AS {MALFORMED}, 0::BIGINT AS {FILE_ROW}, {literal(name)} AS {FILE},"
        f" {first}::BIGINT AS _row, FALSE AS _deleted, TIMESTAMP {literal(now)} AS _read_at)"
        f" TO {literal(target)} (FORMAT parquet)"
    )


def _rows(con: duckdb.DuckDBPyConnection, path: Path, name: str, connection: FilesConnection) -> str:
    """The file's rows with ``_file_row``, and for a text ``_malformed``, as a query."""
    if name.lower().endswith(".parquet"):
        try:
            own = pq.read_schema(path).names
        except OSError as error:  # nested deeper than Arrow goes
            raise FileError(f"it cannot be read ({quote_value(error)}); deliver it again") from None
        _free(own)
        _measured(con, path, connection)
        return f"SELECT * EXCLUDE (file_row_number), file_row_number AS {FILE_ROW} FROM read_parquet({literal(path)}, file_row_number = true)"
    as_text(path, name, connection)
    if is_json_lines(name):
        if not is_text(path, connection.max_line):
            raise FileError(
                "it is not JSON lines in UTF-8: its first line holds the NUL character, as binary files and UTF-16 do;"
                " correct `encoding` in source.yml, or deliver it again"
            )
        con.register("lines", read_lines(path, connection.max_line))
        return "SELECT * FROM lines"
    names = connection.header or _header(path, connection)
    _free(names)
    try:
        return _csv(con, path, names, connection)
    except duckdb.Error as error:
        if "state machine" not in str(error):
            raise
        unify_line_ends(path)  # DuckDB's strict reader stumbles over files that mix them
        return _csv(con, path, names, connection)


def _refuse_other_records(con: duckdb.DuckDBPyConnection, rows: Path, contract: type[Contract]) -> None:
    """Refuse a file none of whose records has a field that the contract requires: it was renamed or is gone."""
    names = NamesOfRecords(contract)
    for some in (f" LIMIT {_HEAD}", ""):  # nearly always the first records have all of them
        con.execute(f"CREATE OR REPLACE TEMP VIEW page AS SELECT {PAYLOAD} FROM read_parquet({literal(rows)}){some}")
        names.look(con, [PAYLOAD])
    if lack := names.missing():
        raise FileError(f"its records have {lack}")


def _measured(con: duckdb.DuckDBPyConnection, path: Path, connection: FilesConnection) -> None:
    """Refuse a Parquet file whose values are much longer than the file: one that stands there once counts each time."""
    facts = pq.read_metadata(path)
    groups = [facts.row_group(n) for n in range(facts.num_row_groups)]
    size = 8 * sum(max(g.num_rows, g.column(n).num_values, 0) for g in groups for n in range(g.num_columns))
    rows = f"read_parquet({literal(path)})"
    lengths = [
        length.format(identifier(name))
        for name, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()
        if (
            length := _LENGTHS.get(kind)
            or (_NESTED if kind.startswith(("STRUCT", "MAP")) or kind.endswith("]") else None)
        )
    ]
    if lengths:
        size += int(
            con.execute(f"SELECT {' + '.join(f'coalesce(sum({n}), 0)' for n in lengths)} FROM {rows}").fetchall()[0][0]
        )
    if size > connection.max_unpacked_megabytes * 1e6:
        raise FileError(
            f"its values are {size / 1e6:,.0f} MB long, more than {connection.max_unpacked_megabytes:g}; if that is right,"
            " raise `max_unpacked_megabytes` in source.yml"
        )


def _csv(con: duckdb.DuckDBPyConnection, path: Path, names: list[str], connection: FilesConnection) -> str:
    """Read the lines into a table that spills, and return the query for rows and malformed lines together."""
    columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in names)
    con.execute(
        f"CREATE OR REPLACE TABLE lines AS SELECT *, row_number() OVER () - 1 AS {FILE_ROW} FROM read_csv({literal(path)},"
        f" auto_detect = false, compression = 'none', header = {connection.header is None}, skip = {connection.skip_lines},"
        f" columns = {{{columns}}}, delim = {literal(connection.delimiter)},"
        " quote = '\"', escape = '\"', nullstr = '', strict_mode = true, ignore_errors = true, store_rejects = true,"
        f" rejects_limit = 0, max_line_size = {connection.max_line})"
    )
    lost = con.execute(
        "SELECT line, error_message FROM reject_errors WHERE error_type IN ('UNQUOTED VALUE', 'LINE SIZE OVER MAXIMUM')"
        " ORDER BY line LIMIT 1"
    ).fetchone()
    if lost:  # what follows a stray quote cannot be told from what it quotes
        raise FileError(
            f"line {lost[0]}: {quote_value(lost[1].splitlines()[0])} No line of it has landed; fix it and deliver it again"
        )
    rejected = "SELECT line, min(error_message) AS why, any_value(csv_line) AS text FROM reject_errors GROUP BY line"
    return (
        f"SELECT *, NULL::VARCHAR AS {MALFORMED} FROM lines UNION ALL BY NAME SELECT (SELECT count(*) FROM lines) +"
        f" row_number() OVER (ORDER BY line) - 1 AS {FILE_ROW}, 'line ' || line || ': ' || why || ' | ' || coalesce(text, '')"
        f" AS {MALFORMED} FROM ({rejected})"
    )


def _free(names: list[str]) -> None:
    """Refuse a file with more columns than a table has, or with names that landed rows use for themselves."""
    if len(names) > MOST_COLUMNS or max(map(len, names), default=0) > LONGEST_NAME:
        raise FileError(
            f"{len(names)} columns, the longest name of {max(map(len, names))} characters: more than {MOST_COLUMNS}, or than"
            f" {LONGEST_NAME}; that is not a table"
        )
    taken = [name for name in names if name.lower() in RESERVED]
    if taken:
        raise FileError(
            f"columns named {', '.join(taken)}: Millrace uses these names itself; rename them at the source"
        )


def _header(path: Path, connection: FilesConnection) -> list[str]:
    """The names in a CSV's first line behind those that are skipped, without a byte order mark."""
    with path.open("rb") as file:
        for _ in range(connection.skip_lines + 1):
            first = file.readline(connection.max_line)
    if not first:
        raise FileError(f"it has no line behind the {connection.skip_lines} of `skip_lines`; correct it in source.yml")
    if b"\0" in first:
        raise FileError(
            "it is not CSV in UTF-8: its first line holds the NUL character, as binary files and UTF-16 do; deliver it again"
        )
    try:
        [names] = csv.reader([first.decode("utf-8-sig").strip("\r\n")], delimiter=connection.delimiter)
    except (UnicodeDecodeError, ValueError, csv.Error):
        raise FileError("its first line is not a header row in UTF-8; deliver the file again") from None
    if not all(names) or len({name.lower() for name in names}) < len(names):
        raise FileError(
            f"its header has empty or repeated names: {quote_value(', '.join(names))}; correct it at the source, or name the columns in"
            " source.yml: `connection: {skip_lines: 1, header: [...]}`"
        )
    return names
