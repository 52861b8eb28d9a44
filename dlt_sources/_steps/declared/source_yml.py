"""The format of ``source.yml`` as Pydantic models: every key there is, what it means and what goes together. What only the
sources of one connector have is in source_kinds.py.

An unknown key, a missing one or a wrong value is refused here; validated.py says so with the file and the path in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from ..contracts.columns import columns_of
from ..contracts.contract import FILE, Contract
from .address import SETTING, Path
from .connections import Connection, Strict
from .endpoint import Endpoint

NAME = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"  # a double underscore sets a name of the landing apart
LONGEST_NAME = 50
"""Characters of a source's or table's name: with what is put before and after it Postgres has room for 63."""

TableName = Annotated[str, Field(pattern=NAME, max_length=LONGEST_NAME)]


class RejectLimit(Strict):
    """How many rows of a table may be rejected, each in its newest version, of those that came since the last publish: a run
    fails when both the share and the number are exceeded.
    """

    share: float = Field(0.05, ge=0, le=1, description="of the rows that came, such as 0.05 for 5 %")
    rows: int = Field(10, ge=0, description="in number: so that one bad row of three does not fail a run")


class Table(Strict):
    """One entity of a source."""

    contract: str = Field(description="class name in the source's contract.py")
    key: list[str] = Field(min_length=1, description="contract fields that name one row")
    mode: Literal["append", "replace", "upsert", "scd2"] = Field(
        "upsert",
        description="append: every row, or the rows of a file's newest version; replace: the last read; upsert: the newest"
        " row of each key; scd2: every version of each key, with its end",
    )
    deletes: Literal["none", "soft", "reconcile"] = Field(
        "none",
        description="what becomes of rows that a full read no longer holds. none: nothing, they are not looked for; soft: they"
        " stay in staging with `_deleted`; reconcile: they leave staging",
    )
    cursor: str | None = Field(None, description="field whose newest value bounds the next read")
    overlap: timedelta = Field(timedelta(0), description="how far before the cursor to read again, for late rows")
    start: date | None = Field(None, description="first day to ask for when there is no cursor value yet")
    skip_if_unchanged: bool = Field(True, description="do not land rows equal to the previous read")
    shrink_floor: float = Field(
        0.5,
        ge=0,
        le=1,
        description="with deletes: least share of the last read's rows to believe; of files in mode replace: of their number",
    )
    endpoint: Endpoint | None = Field(None, description="rest_api: what to ask for")
    table: str | None = Field(None, description="sql_database: the table to read")
    page: Path | None = Field(None, description="html_table: path of the page")
    selector: str = Field("table", description="html_table: CSS selector; the first table it finds counts")
    files: list[Path] = Field(
        [],
        description="files: names of the files with `*`, or with `{month}` for YYYY-MM; over HTTP, where nothing lists"
        " files, every month from `start` on is asked for",
    )
    rows: list[dict[str, Any]] | None = Field(None, description="the rows themselves: a short list of codes")
    from_: str | None = Field(
        None, alias="from", description="another table of this source whose loads hold these rows"
    )
    explode: str | None = Field(None, description="with `from`: the list field whose elements are the rows")
    parent_key: list[str] = Field([], description="with `from`: fields that name the record; its rows change together")
    sinks: list[Literal["warehouse", "postgres"]] = Field(
        ["warehouse"], description="where rows go; postgres: the operational Postgres of ELT_POSTGRES_URL, too"
    )
    staging: Literal["copied", "external"] = Field(
        "copied",
        description="where its staging lies. copied: in the warehouse; external: on AWS a view over silver in the lake, read by"
        " Redshift Spectrum and paid by the byte; on a laptop a copy, too",
    )
    distribute_by: str | None = Field(
        None, description="in a warehouse of several nodes: the field by which rows are spread; unset: evenly"
    )
    sort_by: str = Field(
        "_refine_id",
        description="in a warehouse that stores rows in order: the field; the models' own question is for new refines",
    )
    max_rejected: RejectLimit = Field(RejectLimit(), description="when rejected rows fail the run")
    owner: str | None = Field(None, description="of this table, where it is not the source's")

    @field_validator("files", mode="before", json_schema_input_type=list[Path] | Path)
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _combinations(self) -> Table:
        if self.cursor and (self.deletes != "none" or self.mode == "replace"):
            raise ValueError("deletes can only be seen by a full read: remove `cursor` or set `deletes: none`")
        if (self.from_ is None) != (self.explode is None):
            raise ValueError("`from` and `explode` go together")
        if self.from_ and not self.parent_key:
            raise ValueError("a table made with `from` needs `parent_key`")
        if self.endpoint and self.endpoint.window and not (self.cursor and self.start):
            raise ValueError("an endpoint with a `window` needs `cursor` and `start`")
        if self.mode == "scd2" and self.deletes == "none":
            raise ValueError("mode scd2 keeps when a row vanished: set `deletes: soft`")
        if self.files and (self.deletes != "none" or self.mode == "scd2"):
            raise ValueError(
                "files say nothing about rows they do not hold: use mode append, replace or upsert and `deletes: none`"
            )
        if "warehouse" not in self.sinks:
            raise ValueError("every table goes to the warehouse; add `warehouse` to `sinks`")
        if "postgres" in self.sinks and (self.removes or self.explode or self.mode == "append"):
            raise ValueError(
                "the sink `postgres` keeps the newest row of each key: use mode upsert (deletes none or soft) or scd2"
            )
        return self

    @property
    def for_each(self) -> str | None:
        """The table for each of whose records the endpoint is asked; None: it is asked once."""
        return self.endpoint.for_each if self.endpoint else None

    @property
    def by_file(self) -> bool:
        """Whether the newest version of each file is the table."""
        return bool(self.files) and self.mode in ("append", "replace")

    @property
    def removes(self) -> bool:
        """Whether a row that the source no longer has leaves staging."""
        return self.deletes == "reconcile" or self.mode == "replace"

    @property
    def sees_deletes(self) -> bool:
        """Whether a row that the source no longer has is landed as deleted."""
        return self.deletes != "none" or self.mode == "replace"

    def file_column(self, contract: type[Contract]) -> str:
        """The contract's field that holds the name of the row's file."""
        return next(column.name for column in columns_of(contract) if column.path == (FILE,))


class Alerts(Strict):
    """Who hears of one source, besides the team of ``ELT_ALERT_URLS``. Addresses hold passwords: they are settings."""

    failure: list[Annotated[str, Field(pattern=SETTING)]] = Field(
        [], description="`${NAME}` of settings that hold Apprise URLs: told when the source fails, once per trouble"
    )
    success: list[Annotated[str, Field(pattern=SETTING)]] = Field(
        [], description="the same: told after each run in which the source had no trouble"
    )

    @field_validator("failure", "success", mode="before", json_schema_input_type=list[str] | str)
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class AnySource(Strict):
    """What every ``source.yml`` says. A subclass is the kind of source that one connector reads: source_kinds.py."""

    place: ClassVar[str | None] = None
    """The key of a table that says where its rows are; every table that is read from the source needs it."""
    brings: ClassVar[Literal["records", "cells", "columns"]] = "records"
    """What `read` yields. records: JSON objects, which may hold lists; cells: a text per column; columns: Arrow tables."""
    asks_since: ClassVar[bool] = False
    """Whether it can ask for what came since a moment: only then a table may have a `cursor`."""
    reads_ahead: ClassVar[bool] = False
    """Whether a thread may begin to read it before its turn (ahead.py)."""

    description: str = Field(description="what it brings, in a few words")
    owner: str = Field(description="the person or team who answers for it")
    schedule: str = Field(description="when it is due, UTC: a cron expression such as `0 6 * * *`, or `@daily`")
    enabled: bool = Field(
        True,
        strict=True,
        description="false: switched off. No schedule, `run`, `serve` or `backfill` reads it; what is there of it stays",
    )
    alerts: Alerts = Field(Alerts(), description="who hears of this source, besides the team of `ELT_ALERT_URLS`")
    tables: Mapping[TableName, Table] = Field(min_length=1, description="by the name that they have in staging")
    connector: str
    connection: Connection

    @model_validator(mode="after")
    def _cron(self) -> AnySource:
        from croniter import CroniterError, croniter

        if not croniter.is_valid(self.schedule):
            raise ValueError(f"schedule {self.schedule!r} is not a cron expression such as '0 6 * * *'")
        try:
            croniter(self.schedule, datetime(2020, 1, 1)).get_prev()
        except CroniterError:
            raise ValueError(
                f"schedule {self.schedule!r} names no moment that ever comes, such as 30 February"
            ) from None
        for name, table in self.tables.items():
            if table.from_ and table.from_ not in self.tables:
                raise ValueError(f"tables.{name}.from names {table.from_!r}, which is not a table of this source")
            if self.place and not (table.from_ or table.rows is not None or getattr(table, self.place)):
                raise ValueError(
                    f"tables.{name} needs `{self.place}`, as every table of this connector (or `from`, or `rows`)"
                )
        return self
