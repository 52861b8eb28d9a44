"""What a ``source.yml`` may say, and clear words for what it may not.

The models here are the reference of the format: an unknown key, a missing one or a wrong value is reported with the
file, the path inside it and the fix, before anything is fetched.
"""

from __future__ import annotations

import difflib
import importlib.util
import types
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .contract import Contract

FOLDER = Path(__file__).resolve().parents[1]
NAME = r"^[a-z][a-z0-9_]*$"


class DeclarationError(Exception):
    """A source.yml or contract.py cannot be used; the message names the file, the path in it and the fix."""

    exit_code = 2


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Window(_Strict):
    """Query parameters that ask an API for a span of days: both ends inclusive, ``YYYY-MM-DD``."""

    since: str = Field(description="name of the parameter for the first day")
    until: str = Field(description="name of the parameter for the last day")


class Endpoint(_Strict):
    """One REST endpoint. ``paginator`` is dlt's own paginator configuration; none means one page."""

    path: str
    params: dict[str, Any] = {}
    window: Window | None = None
    data_selector: str = Field("$", description="JSONPath of the list of records")
    paginator: dict[str, Any] | Literal["single_page"] = "single_page"


class RejectLimit(_Strict):
    """How many rejected rows a run may have: it fails when both the share and the number are exceeded."""

    share: float = Field(0.05, ge=0, le=1)
    rows: int = Field(10, ge=0)


class Table(_Strict):
    """One entity of a source."""

    contract: str = Field(description="class name in the source's contract.py")
    key: list[str] = Field(min_length=1, description="contract fields that name one row")
    mode: Literal["append", "upsert"] = "upsert"
    deletes: Literal["none", "soft", "reconcile"] = "none"
    cursor: str | None = Field(None, description="field whose newest value bounds the next read")
    overlap: timedelta = Field(timedelta(0), description="how far before the cursor to read again, for late rows")
    start: date | None = Field(None, description="first day to ask for when there is no cursor value yet")
    skip_if_unchanged: bool = Field(True, description="do not land rows equal to the previous read")
    shrink_floor: float = Field(
        0.5, ge=0, le=1, description="with deletes: least share of the last read's rows to believe"
    )
    endpoint: Endpoint | None = None
    table: str | None = Field(None, description="sql_database: the table to read")
    from_: str | None = Field(
        None, alias="from", description="another table of this source whose loads hold these rows"
    )
    explode: str | None = Field(None, description="with `from`: the list field whose elements are the rows")
    parent_key: list[str] = Field([], description="with `from`: fields that name the record; its rows change together")
    sinks: list[Literal["warehouse"]] = ["warehouse"]
    max_rejected: RejectLimit = RejectLimit()
    owner: str | None = None

    @model_validator(mode="after")
    def _combinations(self) -> Table:
        if self.cursor and self.deletes != "none":
            raise ValueError("deletes can only be seen by a full read: remove `cursor` or set `deletes: none`")
        if (self.from_ is None) != (self.explode is None):
            raise ValueError("`from` and `explode` go together")
        if self.from_ and not self.parent_key:
            raise ValueError("a table made with `from` needs `parent_key`")
        if self.endpoint and self.endpoint.window and not (self.cursor and self.start):
            raise ValueError("an endpoint with a `window` needs `cursor` and `start`")
        return self


class _Source(_Strict):
    description: str
    owner: str
    schedule: str = Field(description="cron expression")
    tables: dict[Annotated[str, Field(pattern=NAME)], Table]

    @model_validator(mode="after")
    def _cron(self) -> _Source:
        from croniter import croniter

        if not croniter.is_valid(self.schedule):
            raise ValueError(f"schedule {self.schedule!r} is not a cron expression such as '0 6 * * *'")
        for name, table in self.tables.items():
            if table.from_ and table.from_ not in self.tables:
                raise ValueError(f"tables.{name}.from names {table.from_!r}, which is not a table of this source")
        return self


class RestConnection(_Strict):
    """Where a REST API is and how patient to be. Times in seconds."""

    base_url: str
    headers: dict[str, str] = {}
    timeout: float = Field(60, gt=0)
    attempts: int = Field(5, ge=1, description="tries per request on 429, 5xx, timeouts and broken answers")
    backoff: float = Field(1, ge=0, description="first wait; doubles each time, at most 60 s")


class SqlConnection(_Strict):
    """A database. The DSN is a secret: name it, do not write it."""

    url: str = Field(pattern=r"^\$\{[A-Za-z0-9_]+\}$", description="`${NAME}` of the setting that holds the DSN")
    schema_: str | None = Field(None, alias="schema")
    chunk_size: int = Field(50_000, ge=1, description="rows per batch in memory")


class RestSource(_Source):
    """A source read through dlt's ``rest_api``."""

    connector: Literal["rest_api"]
    connection: RestConnection


class SqlSource(_Source):
    """A source read through dlt's ``sql_database``."""

    connector: Literal["sql_database"]
    connection: SqlConnection


Declaration = Annotated[Union[RestSource, SqlSource], Field(discriminator="connector")]
_CONNECTORS = {"rest_api": RestSource, "sql_database": SqlSource}


class Source:
    """A declared source: its name, its validated ``source.yml`` and the contracts of its tables."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.name
        self.declared = _read(folder / "source.yml")

    @property
    def tables(self) -> dict[str, Table]:
        """Tables by name, parents before the tables made from them."""
        return dict(sorted(self.declared.tables.items(), key=lambda item: item[1].from_ is not None))

    @property
    def extracted(self) -> dict[str, Table]:
        """The tables that are read from the source (not made from another one's rows)."""
        return {name: table for name, table in self.tables.items() if table.from_ is None}

    @cached_property
    def contracts(self) -> dict[str, type[Contract]]:
        """Contract class by table name.

        Raises:
            DeclarationError: contract.py lacks a class, or a key, cursor or parent key is not one of its fields.
        """
        module = _contract_module(self.folder)
        found: dict[str, type[Contract]] = {}
        for name, table in self.tables.items():
            contract = getattr(module, table.contract, None)
            where = f"{self.folder / 'source.yml'}: tables.{name}"
            if not (isinstance(contract, type) and issubclass(contract, Contract)):
                raise DeclarationError(
                    f"{where}.contract: {self.folder / 'contract.py'} has no Contract {table.contract!r}"
                )
            for field in (*table.key, *table.parent_key):
                if field not in contract.model_fields:
                    raise DeclarationError(
                        f"{where}: {field!r} is not a field of {table.contract}{_hint(field, contract.model_fields)}"
                    )
            found[name] = contract
        return found


def load_sources(folder: Path = FOLDER) -> dict[str, Source]:
    """Every declared source by name, in alphabetical order.

    Raises:
        DeclarationError: see `Source`.
    """
    return {path.parent.name: Source(path.parent) for path in sorted(folder.glob("*/source.yml"))}


def _contract_module(folder: Path) -> types.ModuleType:
    if folder.parent == FOLDER:
        return importlib.import_module(f"{FOLDER.name}.{folder.name}.contract")
    spec = importlib.util.spec_from_file_location(f"contract_of_{folder.name}", folder / "contract.py")
    if spec is None or spec.loader is None or not (folder / "contract.py").exists():
        raise DeclarationError(f"{folder}: no contract.py beside source.yml")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _read(path: Path) -> RestSource | SqlSource:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise DeclarationError(f"{path}: not YAML: {error}") from None
    if not isinstance(content, dict):
        raise DeclarationError(f"{path}: expected keys such as connector and tables, found {type(content).__name__}")
    model: Any = _CONNECTORS.get(str(content.get("connector")))
    if model is None:
        raise DeclarationError(
            f"{path}: connector: {content.get('connector')!r} is not one of {', '.join(_CONNECTORS)}"
            f"{_hint(str(content.get('connector')), _CONNECTORS)}"
        )
    try:
        declared: RestSource | SqlSource = model.model_validate(content)
        return declared
    except ValidationError as error:
        raise DeclarationError("\n".join(_explain(path, model, error))) from None


def _explain(path: Path, model: type[BaseModel], error: ValidationError) -> Iterator[str]:
    for item in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in item["loc"])
        match item["type"]:
            case "extra_forbidden":
                fix = f"unknown key{_hint(str(item['loc'][-1]), _keys_at(model, item['loc'][:-1]))}"
            case "missing":
                fix = "required key is missing; add it"
            case _:
                fix = item["msg"].removeprefix("Value error, ")
        yield f"{path}: {where or '(top)'}: {fix}"


def _keys_at(model: Any, loc: tuple[int | str, ...]) -> list[str]:
    """Keys allowed at a path of the declaration, by walking the models' fields."""
    for part in loc:
        fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
        if part in fields:
            model = _model_in(fields[str(part)])
        if model is None:
            return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _hint(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}" if known else ""
