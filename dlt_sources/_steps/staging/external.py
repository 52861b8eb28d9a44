"""Staging that is read where it lies: on AWS a table of `staging: external` is a view over silver's Iceberg table.

The view has the columns, types and rows that a copy would have. A load's rows are in it from the moment on at which
``_loads`` knows the load: that commits with everything else that a refine writes, and `_refine_id` comes from there. While
silver has no such table yet, an empty one stands in staging. On a laptop rows are copied: silver and warehouse are one disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from errors import ExitCode, MillraceError
from settings import Settings
from warehouse import load
from warehouse.connection import connect
from warehouse.quote import identifier, literal
from warehouse.staging import LOADS

from ..contracts.columns import Column
from ..stores.engine import engine
from ..stores.judged import Judged
from .tables import columns_for, for_redshift, keeps_no_deleted

if TYPE_CHECKING:
    from ..declared.declaration import Source
    from .stage import Staging

VIEW = "view:"
"""With a table's name behind it a name in ``_state``: a view stands there. Its value tells one text of it from another."""
SCHEMA = "lake_"
"""With a source's name behind it Redshift's schema over the source's silver."""


class SpectrumError(MillraceError):
    """A table is to be read from silver, and Redshift or silver is not ready for it."""

    exit_code = ExitCode.CONFIGURATION


def is_external(source: Source, name: str, settings: Settings) -> bool:
    """Whether a table of staging is to be a view over silver."""
    return settings.aws and name in source.tables and source.tables[name].staging == "external"


def externals(source: Source, settings: Settings) -> list[str]:
    """The tables of which that is so."""
    return [name for name in source.tables if is_external(source, name, settings)]


def is_settled(source: Source, state: Mapping[str, str], settings: Settings) -> bool:
    """Whether every table of staging is what is declared: rows, or a view."""
    return all(bool(state.get(f"{VIEW}{name}")) == is_external(source, name, settings) for name in source.tables)


def storable(judged: Judged, columns: list[Column], folder: Path, memory: str) -> Judged:
    """What was judged, with texts that Redshift can read: it knows no character NUL, and one value would stop its table."""
    texts = [identifier(column.name) for column in columns if column.kind is str and column.pii != "hash"]
    if not texts:
        return judged
    folder.mkdir(parents=True, exist_ok=True)
    holds = " OR ".join(f"contains({text}, chr(0))" for text in texts)
    plain = ", ".join(f"replace({text}, chr(0), '') AS {text}" for text in texts)
    with engine(*{path.parent for path in judged.accepted}, folder, memory=memory) as con:
        for number, path in enumerate(judged.accepted):
            rows = f"FROM read_parquet({literal(path)})"
            if con.execute(f"SELECT 1 {rows} WHERE {holds} LIMIT 1").fetchall():
                judged.accepted[number] = folder / f"{number}.parquet"
                con.execute(
                    f"COPY (SELECT * REPLACE ({plain}) {rows}) TO {literal(judged.accepted[number])} (FORMAT parquet)"
                )
    return judged


def query(staging: Staging, name: str, columns: Mapping[str, str], held: Mapping[str, str]) -> str:
    """The rows of a table as SQL over silver: what counts of those whose loads staging knows.

    Args:
        columns: of the view, with their types. held: those of silver, with Iceberg's types.
    """
    table, columns = staging.source.tables[name], for_redshift(columns)
    key = {"append": [], "scd2": [*table.key, "_load_id"]}.get(table.mode, table.key)
    names = [column for column in columns if column != "_refine_id"]
    values = [f"{_value(column, columns[column], held)} AS {identifier(column)}" for column in names]
    values.append('loads."_refine_id" AS "_refine_id"')
    order = 'CAST(lake."_load_id" AS DOUBLE PRECISION) DESC, lake."_deleted", lake."_row" DESC'
    if key:
        keys = ", ".join(f"lake.{identifier(column)}" for column in key)
        values.append(f'row_number() OVER (PARTITION BY {keys} ORDER BY {order}) AS "_place"')
    place = f"{identifier(f'{SCHEMA}{staging.source.name}')}.{identifier(name)}"
    rows = (
        f"SELECT {', '.join(values)} FROM {place} AS lake JOIN {staging.qualified(LOADS)} AS loads"
        f' ON loads.load_id = lake."_load_id" AND loads.table_name = {literal(name)}'
    )
    wanted = [*(['newest."_place" = 1'] if key else [])]
    wanted += ['NOT newest."_deleted"'] if keeps_no_deleted(staging.source, name) else []
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    shown = ", ".join(f"newest.{identifier(column)}" for column in columns)
    return f"SELECT {shown} FROM ({rows}) AS newest{where}"


def _value(column: str, kind: str, held: Mapping[str, str]) -> str:
    if column not in held:  # silver gets a new column with its first rows
        return f"CAST(NULL AS {kind})"
    value = f"lake.{identifier(column)}"
    at_utc = f"({value} AT TIME ZONE 'UTC')" if held[column] == "timestamptz" else value
    return f"CAST({at_utc} AS {kind})"


def placing(staging: Staging, name: str, columns: Mapping[str, str] | None = None) -> tuple[list[str], dict[str, str]]:
    """(the statements that put the view over today's silver in the place of what stands there, what to remember with them);
    nothing where it stands there already, or silver has no such table yet.
    """
    from ..silver.silver import Silver  # with pyiceberg and dlt, which a look at staging does not need

    held = Silver(staging.source.name, staging.settings).columns(name)
    if held is None:
        return [], {}
    text = query(staging, name, columns or columns_for(staging.source, name), held)
    mark = hashlib.sha256(text.encode()).hexdigest()
    if staging.view(name) == mark:
        return [], {}
    made = f"CREATE VIEW {staging.qualified(name)} AS {text} WITH NO SCHEMA BINDING"
    return [staging.dropping(name), made], {f"{VIEW}{name}": mark}


def place_views(staging: Staging) -> list[str]:
    """Let tables be what is declared of them: a view in the place of rows, or rows in the place of a view, each in one
    transaction; returns what was done, for a person.

    Raises:
        SpectrumError: Redshift has no schema over silver, or silver lacks rows that staging has; nothing was changed.
    """
    source, settings = staging.source, staging.settings
    wanted = externals(source, settings)
    if wanted:
        reads_silver(source, settings)
    done = []
    for name in source.tables:
        state: dict[str, str] = {}
        if name in wanted and not staging.view(name):
            _require_rows(staging, name)
            statements, state = placing(staging, name)
            # what was built bit by bit is rebuilt: rows that a changed contract refused since are not in silver
            newer = staging.next_refine()
            state |= {"refine_id": newer, "rebuilt": newer} if statements and staging.refine_id.strip("0") else {}
            done += [f"staging of {source.name}.{name} is read from silver now"] if statements else []
        elif name not in wanted and staging.view(name):
            statements, state = _copying(staging, name), {f"{VIEW}{name}": ""}
            done.append(f"staging of {source.name}.{name} is a copy now")
        if state:
            with load.transaction(settings) as con:
                for statement in statements:
                    con.execute(statement)
                for text, values in staging.remember(state):
                    con.execute(text, values)
            staging.know(state)
    return done


def _copying(staging: Staging, name: str) -> list[str]:
    """The statements that put a table with the view's rows in its place."""
    fresh, columns = f"{name}__new", ", ".join(map(identifier, columns_for(staging.source, name)))
    made = staging.create(name).replace(staging.qualified(name), staging.qualified(fresh), 1)
    return [
        f"DROP TABLE IF EXISTS {staging.qualified(fresh)}",
        made,
        f"INSERT INTO {staging.qualified(fresh)} ({columns}) SELECT {columns} FROM {staging.qualified(name)}",
        staging.dropping(name),
        f"ALTER TABLE {staging.qualified(fresh)} RENAME TO {identifier(name)}",
    ]


def reads_silver(source: Source, settings: Settings) -> str:
    """What Redshift reads of a source's silver.

    Raises:
        SpectrumError: it has no schema over it, or the pipeline's user may not use that; says what to do.
    """
    with connect(settings) as con:
        asked = "SELECT has_schema_privilege(schemaname, 'USAGE'), current_user FROM svv_external_schemas WHERE schemaname = ?"
        found = con.execute(asked, [f"{SCHEMA}{source.name}"]).fetchall()
    if not found:
        raise SpectrumError(lacks_schema(source, settings))
    [(may, user)] = found
    if not may:
        raise SpectrumError(
            f'{source.name}: {user} may not read silver: GRANT USAGE ON SCHEMA {SCHEMA}{source.name} TO "{user}";'
        )
    return f"{SCHEMA}{source.name}: {', '.join(externals(source, settings))}"


def lacks_schema(source: Source, settings: Settings) -> str:
    """What to do where there is none."""
    named = ", ".join(externals(source, settings))
    return (
        f"{source.name} declares `staging: external` for {named}, and Redshift has no schema {SCHEMA}{source.name} over its"
        " silver: set `spectrum = true` in Terraform and run `python -m runtime.bootstrap` as after each deployment, or have"
        " an administrator run what `python -m dlt_sources.spectrum` prints; or remove `staging: external`"
    )


def _require_rows(staging: Staging, name: str) -> None:
    """Of a table that silver has lost rows of, the copy is all there is.

    Raises:
        SpectrumError: silver lacks a load that staging has rows of.
    """
    with connect(staging.settings) as con:
        asked = f"SELECT load_id FROM {staging.qualified(LOADS)} WHERE table_name = ? AND accepted > 0"
        known = {str(load) for (load,) in con.execute(asked, [name]).fetchall()}
    from ..silver.silver import Silver, held_loads

    lost = known - held_loads(Silver(staging.source.name, staging.settings), name) if known else set()
    if lost:
        raise SpectrumError(
            f"{staging.source.name}.{name} cannot be read from silver, which lacks rows of {len(lost)} of its loads;"
            f" `python runner.py rebuild {staging.source.name}` rebuilds it from landing, and switches then"
        )
