"""A source as it is declared, and clear words for what a declaration may not say.

The whole declaration is judged before anything is fetched: the format (validated.py; source_yml.py is its reference), what goes
together (check_tables.py), whether contracts can be imported (own_code.py) and fit (check_contracts.py). A source that is
broken stops itself only.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from foundation.environment import current

from ..contracts.columns import Column, columns_of
from ..contracts.contract import Contract
from . import check_contracts, check_tables, names, own_code, yaml_file
from .declaration_error import DeclarationError, hint
from .redact import conflict
from .source_kinds import PythonSource
from .source_yml import Alerts, Table
from .validated import validate

FOLDER = Path(__file__).resolve().parents[2]
_JUDGED: dict[Path, tuple[yaml_file.YamlFile, types.ModuleType, dict[str, type[Contract]]]] = {}
"""By contract.py its classes as they were found to fit, with the source.yml and the module that they are of: a run asks twice, a
resident process at each turn."""


class Source:
    """A declared source: its name, its validated ``source.yml`` and the contracts of its tables."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name, self.path = folder, folder.name, folder / "source.yml"
        if reason := names.refuse_source(folder):
            raise DeclarationError(f"{folder}: {reason}")
        self._file = yaml_file.read(self.path)
        self.declared = validate(self.path, self._file)
        self._refuse(self._wrong(where, text) for where, text in check_tables.check(self.declared))

    @property
    def tables(self) -> dict[str, Table]:
        """Tables by name, parents before the tables made from them, or asked for by their records."""
        tables = self.declared.tables
        return dict(sorted(tables.items(), key=lambda item: (item[1].from_ is not None, _depth(item[1], tables))))

    @property
    def extracted(self) -> dict[str, Table]:
        """The tables that are read from the source (not made from another one's rows)."""
        return {name: table for name, table in self.tables.items() if table.from_ is None}

    @property
    def operational(self) -> dict[str, Table]:
        """The tables that also go to the operational Postgres."""
        return {name: table for name, table in self.tables.items() if "postgres" in table.sinks}

    @cached_property
    def contracts(self) -> dict[str, type[Contract]]:
        """Contract class by table name.

        Raises:
            DeclarationError: contract.py cannot be imported, lacks a class, or a contract and its table do not fit.
        """
        path = self.folder / "contract.py"
        module = own_code.load(path)
        file, known, found = _JUDGED.get(path, (None, None, {}))
        if file is not self._file or known is not module:
            found = self._judge_contracts(path, module)
            _JUDGED[path] = self._file, module, found
        return dict(found)

    def _judge_contracts(self, path: Path, module: types.ModuleType) -> dict[str, type[Contract]]:
        """The contract classes of a module, after making sure that they fit their tables."""
        found: dict[str, type[Contract]] = {}
        columns: dict[str, dict[str, Column]] = {}
        for name, table in self.tables.items():
            contract = getattr(module, table.contract, None)
            if not (isinstance(contract, type) and issubclass(contract, Contract)):
                classes = [
                    n
                    for n, value in vars(module).items()
                    if isinstance(value, type) and value.__module__ == module.__name__
                ]
                text = f"{path} has no Contract {table.contract!r}{hint(table.contract, classes)}"
                raise DeclarationError(self._wrong(("tables", name, "contract"), text))
            found[name], columns[name] = contract, _columns(path, contract)
        self._refuse(
            self._wrong(("tables", name, key), text)
            for name, table in self.tables.items()
            for key, text in check_contracts.check_table(
                self.declared, table, found[name], columns[name], columns.get(table.from_ or "", {})
            )
        )
        self._refuse(
            f"{path}: {own_code.line_of(path, found[name], field)}{found[name].__name__}.{field}: {text}"
            for name, table in self.tables.items()
            for field, text in check_contracts.check_fields(self.declared, table, found[name], columns[name].values())
        )
        if problem := conflict(self.tables, found):
            raise DeclarationError(f"{self.path}: {problem}")
        return found

    def about(self, table: str) -> str:
        """What a table's contract says of its rows."""
        return (self.contracts[table].__doc__ or "").strip() or f"Rows of {self.name}.{table}."

    @cached_property
    def code(self) -> types.ModuleType:
        """The source's ``extract.py``.

        Raises:
            DeclarationError: it cannot be imported.
        """
        return own_code.load(self.folder / "extract.py")

    def check(self) -> None:
        """Judge everything that can be judged without asking the source.

        Raises:
            DeclarationError: something is wrong; the message names the file, the place in it and the fix.
        """
        _ = self.contracts
        if isinstance(self.declared, PythonSource):
            self._refuse(self._functions())

    def _functions(self) -> Iterator[str]:
        """What is wrong with the functions of extract.py."""
        path = self.folder / "extract.py"
        for name in (name for name, table in self.extracted.items() if table.rows is None):
            function = getattr(self.code, name, None)
            if not callable(function):
                yield f"{path}: no function {name}(request, values) for the table of that name"
                continue
            try:
                inspect.signature(function).bind(None, {})
            except (TypeError, ValueError):
                yield f"{path}: the function {name} must take (request, values)"

    def _wrong(self, where: Iterable[str | int], text: str) -> str:
        place = tuple(where)
        return f"{self.path}: {'.'.join(map(str, place))}: {text} (line {self._file.line(place)})"

    @staticmethod
    def _refuse(problems: Iterable[str]) -> None:
        if found := list(dict.fromkeys(problems)):
            raise DeclarationError("\n".join(found))


class Declared(dict[str, Source]):
    """The sources that can be used, by name in alphabetical order; and the others, with the reason.

    Attributes:
        broken: per source that cannot be used, why: file, line, fix.
        off: names of those that are switched off (`enabled: false`), usable or not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.broken: dict[str, str] = {}
        self.off: set[str] = set()

    @property
    def names(self) -> list[str]:
        """Every declared source, usable or not."""
        return sorted([*self, *self.broken])

    def require(self, names: Iterable[str]) -> Declared:
        """These sources, after making sure that `names` are declared, usable or not.

        Raises:
            DeclarationError: one is not.
        """
        for name in names:
            if name not in self.broken:
                self[name]
        return self

    @property
    def on(self) -> list[str]:
        """Every declared source that is not switched off, usable or not."""
        return [name for name in self.names if name not in self.off]

    def require_on(self, names: Iterable[str]) -> Declared:
        """These sources, after making sure that `names` are declared and none of them is switched off.

        Raises:
            DeclarationError: one is not declared, or is switched off; says how to switch it on.
        """
        wanted = list(names)
        for name in self.require(wanted).off & set(wanted):
            raise DeclarationError(
                f"{name} is switched off: dlt_sources/{name}/source.yml says `enabled: false`; remove that line to switch it on"
            )
        return self

    def has_table(self, name: str, table: str) -> bool:
        """Whether a source declares a table; nobody can say that a broken one does not."""
        return name in self.broken or (name in self and table in self[name].tables)

    def __missing__(self, name: str) -> Source:
        if name in self.broken:
            raise DeclarationError(self.broken[name])
        raise DeclarationError(f"no source {name!r}; there are: {', '.join(self.names)}")


def load_sources(folder: Path = FOLDER) -> Declared:
    """Every declared source, judged as a whole; on the demo's data, the demo's sources only.

    A broken one is among `Declared.broken`; asking for it raises its reason.
    """
    declared = Declared()
    demo = current().demo if folder == FOLDER else None
    for place in sorted(path for path in folder.iterdir() if path.is_dir() and _is_source(path)):
        if demo is not None and place.name not in demo.sources:
            continue
        try:
            source = Source(place)
            source.check()
            declared[source.name] = source
        except Exception as error:  # also one that no check foresaw: it is this source's alone
            declared.broken[place.name] = str(own_code.explain(error, place / "source.yml"))
            own_code.forget(place)
        if read_key(place, "enabled", True) is False:
            declared.off.add(place.name)
    return declared


def read_key(folder: Path, key: str, default: Any) -> Any:
    """What a source.yml says at its top, also where the rest of it is broken; the default where this cannot be read."""
    try:
        content: Any = yaml_file.read(folder / "source.yml").content
        return content.get(key, default)
    except (DeclarationError, AttributeError):
        return default


def read_alerts(name: str, folder: Path = FOLDER) -> Alerts:
    """Who hears of a source by its declaration, also where the rest of it is broken; nobody where this cannot be read."""
    try:
        return Alerts.model_validate(read_key(folder / name, "alerts", {}))
    except ValidationError:
        return Alerts()


def _depth(table: Table, tables: Mapping[str, Table]) -> int:
    """How many tables are read before an endpoint is asked with their records."""
    return 1 + _depth(tables[table.for_each], tables) if table.for_each else 0


def _is_source(folder: Path) -> bool:
    """Whether somebody means the folder to be a source; one of the project's own begins with an underscore."""
    if (folder / "source.yml").exists():
        return True
    return folder.name[0].isalnum() and any((folder / name).exists() for name in ("contract.py", "source.yaml"))


def _columns(path: Path, contract: type[Contract]) -> dict[str, Column]:
    """The contract's columns, also those that are not stored.

    Raises:
        DeclarationError: it is of types that no column can hold, or names one that is not there.
    """
    try:
        if not contract.__pydantic_complete__:
            contract.model_rebuild()
        return {column.name: column for column in columns_of(contract, stored=False)}
    except Exception as error:
        field, reason = check_contracts.explain_type(contract, error)
        name = f"{contract.__name__}.{field}" if field else contract.__name__
        raise DeclarationError(f"{path}: {own_code.line_of(path, contract, field)}{name}: {reason}") from None
