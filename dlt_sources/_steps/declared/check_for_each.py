"""What a declaration says of endpoints that are asked once for each record of another table, judged by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .declaration_error import hint
from .endpoint import PLACEHOLDER, Endpoint
from .source_kinds import RestSource
from .source_yml import AnySource, Table

Problem = tuple[tuple[str | int, ...], str]
"""The path in source.yml below the table, and what is wrong with what stands there."""


def check(declared: AnySource, name: str, table: Table) -> Iterator[Problem]:
    """Everything that is wrong with such an endpoint, or with one that only looks like it."""
    endpoint = table.endpoint
    if endpoint is None or not isinstance(declared, RestSource):
        if endpoint and endpoint.for_each:
            yield ("endpoint", "for_each"), "only the connector rest_api reads it; remove it"
        return
    if endpoint.for_each is None:
        yield from _without(endpoint)
        return
    if reason := _refuse_parent(declared, name, endpoint.for_each):
        yield ("endpoint", "for_each"), reason
    yield from _placeholders(endpoint)
    if (table.mode != "upsert" or table.deletes != "none") and not _sees_all(declared, endpoint.for_each):
        key = "mode" if table.mode != "upsert" else "deletes"
        yield (
            (key,),
            f"a read sees the rows of those records only that it brought; remove `{key}`: it is upsert, and none. Or let"
            f" {endpoint.for_each!r} be read whole and see what is gone: no `cursor`, and `deletes` of its own",
        )
    above = f"which records are read is said by {endpoint.for_each!r}"
    if table.cursor:
        yield ("cursor",), f"{above}; remove `cursor`, `start` and `overlap`"
    if endpoint.window:
        yield ("endpoint", "window"), f"{above}; remove it"


def _without(endpoint: Endpoint) -> Iterator[Problem]:
    """Placeholders that nothing fills."""
    for where, text in (("path",), endpoint.path), *_parameters(endpoint):
        found = PLACEHOLDER.search(text) if where == ("path",) else PLACEHOLDER.fullmatch(text)
        if found and found[1]:
            yield (
                ("endpoint", *where),
                f"nothing fills {found[0]}; name the table whose records do, `for_each: orders`, or remove it",
            )


def _placeholders(endpoint: Endpoint) -> Iterator[Problem]:
    if not endpoint.placeholders:
        yield (
            ("endpoint", "path"),
            f"it is the same for each record of {endpoint.for_each!r}; write where its value goes, such as {{id}}",
        )
    for where, text in (("path",), endpoint.path), *_parameters(endpoint):
        for name in PLACEHOLDER.findall(text):
            if not all(name.split(".")):
                yield ("endpoint", *where), f"{{{name}}} names no value of a record; write a name, such as {{id}}"
        if where == ("path",) and re.search("[{}]", PLACEHOLDER.sub("", text)):
            yield (
                ("endpoint", "path"),
                f"{text!r} has a brace that is not of a placeholder; write {{id}}, without blanks",
            )
        if where != ("path",) and PLACEHOLDER.search(text) and not PLACEHOLDER.fullmatch(text):
            yield ("endpoint", *where), "a placeholder is the whole value of a parameter; remove what stands beside it"


def _parameters(endpoint: Endpoint) -> Iterator[tuple[tuple[str, ...], str]]:
    """The query parameters that are texts, each with its place."""
    for name, value in endpoint.params.items():
        if isinstance(value, str):
            yield ("params", name), value


def _sees_all(declared: RestSource, name: str) -> bool:
    """Whether each read of a table brings all of its records, and knows which of them are gone."""
    table, seen = declared.tables.get(name), {name}
    while table and (table.rows is not None or (table.cursor is None and table.sees_deletes)):
        above = table.for_each
        if above is None:
            return True
        table = None if above in seen else declared.tables.get(above)
        seen.add(above)
    return False


def _refuse_parent(declared: AnySource, name: str, parent: str) -> str | None:
    """Why no endpoint can be asked for each record of a table; None: it can."""
    tables = declared.tables
    if parent not in tables:
        return f"{parent!r} is not a table of this source{hint(parent, tables)}"
    if tables[parent].from_ is not None:
        return f"{parent!r} is made from another table's records; name a table that is read from the source"
    seen, at = [name], parent
    while at in tables and at not in seen:
        seen.append(at)
        at = tables[at].for_each or ""
    if at:
        what = "this table itself" if parent == name else f"in a circle: {' needs '.join([*seen, at])}"
        return f"{parent!r} is {what}; name a table that is read by itself"
    return None
