"""What a declaration says of its tables, judged by itself: what cannot work or would silently do something else.

source_yml.py has the format; here is what goes together. check_contracts.py compares it with the contracts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from foundation.causes import first_line

from . import check_for_each
from .endpoint import Endpoint
from .file_names import JSON_LINES, is_json_lines
from .source_kinds import PythonSource, RestSource, connectors
from .source_yml import AnySource, Table

Problem = tuple[tuple[str | int, ...], str]
"""The path in source.yml, and what is wrong with what stands there."""
_PATH = re.compile(r"\$.*|\w+(\.\w+|\[\w*\])+|[./].*")
"""A text that means a place within a record; a list is one of its own keys, whose name may hold anything else."""
_PLAIN_PATH = re.compile(r"(\$|(?!where)[A-Za-z_]\w*)(\.(?!where)[A-Za-z_]\w*)*", re.ASCII)
_PLAIN_SELECTOR = re.compile(r"(?!.* $)([a-z]\w*([.#][a-z]\w*)*( > | |$))+", re.ASCII)
"""JSONPaths and CSS selectors that need no library to say that they are such: importing one costs as much as all other checks."""


def check(declared: AnySource) -> Iterator[Problem]:
    """Everything that is wrong with the tables."""
    for name, table in declared.tables.items():
        where = ("tables", name)
        for key, text in (*_place(declared, table), *_origin(declared, name, table), *_read(declared, table)):
            yield (*where, key), text
        for path, text in check_for_each.check(declared, name, table):
            yield (*where, *path), text
        for path, text in (*_endpoint(table.endpoint), *_page(table), *_files(table)):
            yield (*where, *path), text


def _place(declared: AnySource, table: Table) -> Iterator[tuple[str, str]]:
    """Keys that would be passed over: another connector's, or beside rows that come from elsewhere."""
    places = [kind.place for kind in connectors().values() if kind.place]
    given = [place for place in places if getattr(table, place, None)]
    if table.from_ is not None:
        given += ["rows"] if table.rows is not None else []
        reason = "the rows are made from another table's (`from`)"
    elif table.rows is not None:
        reason = "`rows` holds the rows themselves"
    else:
        code = isinstance(declared, PythonSource)  # extract.py may read them; of `files` other steps make something
        given = [place for place in given if place != declared.place and (place == "files" or not code)]
        reason = f"the connector {declared.connector} does not read it"
    for place in given:
        yield place, f"{reason}; remove `{place}`"
    if "selector" in table.model_fields_set and not (table.page or isinstance(declared, PythonSource)):
        yield "selector", "only a table with a `page` has a selector; remove it"


def _origin(declared: AnySource, name: str, table: Table) -> Iterator[tuple[str, str]]:
    """Of a table made from another one's records."""
    if table.from_ is None:
        if table.parent_key:
            yield "parent_key", "only a table made with `from` has one; remove it"
        return
    parent = declared.tables[table.from_]
    if parent.from_ is not None:
        what = "this table itself" if table.from_ == name else "itself made with `from`"
        yield "from", f"{table.from_!r} is {what}; name a table that is read from the source"
    elif declared.brings != "records" and declared.place != "files" and parent.rows is None:
        yield "from", f"{table.from_!r} has columns, not records with lists (connector {declared.connector}); remove it"
    elif parent.files and not all(map(is_json_lines, parent.files)):
        endings = ", ".join(JSON_LINES)
        yield (
            "from",
            f"only records of JSON lines hold lists: name the `files` of {table.from_!r} by {endings}, or remove it",
        )
    elif parent.by_file:
        yield (
            "from",
            f"rows of lists are found again by their record: set `mode: upsert` on {table.from_!r}, whose mode is {parent.mode}",
        )
    if not table.explode or not table.explode.isprintable() or _PATH.fullmatch(table.explode):
        yield "explode", f"{table.explode!r} is not the name of a list in the record; name one of its own keys"
    if table.mode != "upsert" or table.deletes != "none":
        key = "mode" if table.mode != "upsert" else "deletes"
        yield (
            key,
            f"the rows of a record change together, whatever `{key}` says; remove it, and set it on {table.from_!r}",
        )
    for key in ("cursor", "start", "overlap"):
        if getattr(table, key):
            yield key, f"the rows come with those of {table.from_!r}; remove `{key}`, and set it there"


def _read(declared: AnySource, table: Table) -> Iterator[tuple[str, str]]:
    """Of how a table is read again."""
    if table.from_ is None and table.cursor:
        windowed = table.endpoint is not None and table.endpoint.window is not None
        if table.rows is not None or not declared.asks_since:
            yield "cursor", "it is read whole each time, only changed rows land; remove `cursor`"
        elif isinstance(declared, RestSource) and not windowed and not table.for_each:
            yield "cursor", "the endpoint is never asked for a part; add `window` to it, or remove `cursor`"
    if not table.cursor and table.from_ is None:
        if (
            table.start
            and not any("{month}" in pattern for pattern in table.files)
            and not isinstance(declared, PythonSource)
        ):
            yield "start", "only a read with a `cursor`, or of `files` with {month}, has a start; remove it"
        if table.overlap:
            yield "overlap", "only a read with a `cursor` goes back; remove it"
    if table.overlap.total_seconds() < 0:
        yield "overlap", "a negative overlap leaves out rows; write how far to go back, such as P3D"


def _endpoint(endpoint: Endpoint | None) -> Iterator[Problem]:
    """Of what dlt is handed: it would be refused after the first request."""
    if endpoint is None:
        return
    if window := endpoint.window:
        if window.since == window.until:
            yield ("endpoint", "window"), "`since` and `until` are one parameter; name two"
        for name in sorted({window.since, window.until or window.since} & set(endpoint.params)):
            yield ("endpoint", "params", name), "the window sets this parameter; remove it here"
    if isinstance(endpoint.paginator, dict):
        from dlt.sources.rest_api.config_setup import create_paginator

        try:
            made = create_paginator(endpoint.paginator)  # type: ignore[arg-type]
        except Exception as error:
            yield (
                ("endpoint", "paginator"),
                f"{first_line(error).replace('__init__()', '').strip()}; see dlt's paginators",
            )
        else:
            if made is None:
                yield ("endpoint", "paginator"), "no `type`; name one of dlt's paginators, such as page_number"
    if not _PLAIN_PATH.fullmatch(endpoint.data_selector):
        from jsonpath_ng.ext import parse  # type: ignore[attr-defined]  # what dlt reads it with

        try:
            parse(endpoint.data_selector)
        except Exception as error:
            yield ("endpoint", "data_selector"), f"{endpoint.data_selector!r} is not a JSONPath ({first_line(error)})"


def _page(table: Table) -> Iterator[Problem]:
    if table.page and not _PLAIN_SELECTOR.fullmatch(table.selector):
        import soupsieve

        try:
            soupsieve.compile(table.selector)
        except Exception as error:
            yield ("selector",), f"{table.selector!r} is not a CSS selector ({first_line(error)})"


def _files(table: Table) -> Iterator[Problem]:
    for number, pattern in enumerate(table.files):
        if pattern.count("{month}") > 1 or "{month}" in str(PurePosixPath(pattern).parent):
            yield ("files", number), "{month} stands once, in the file's own name"
        elif not PurePosixPath(pattern).name:
            yield ("files", number), "names no file; write a name such as `*.csv`"
