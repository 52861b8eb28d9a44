"""A source as it is declared, and clear words for what a ``source.yml`` may not say.

An unknown key, a missing one or a wrong value is reported with the file, the path inside it and the fix, before anything
is fetched. source_yml.py is the reference of the format.
"""

from __future__ import annotations

import difflib
import importlib.util
import re
import types
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from runtime.environment import current

from .columns import columns_of, is_made
from .contract import FILE, MARKS, Contract
from .source_yml import CONNECTORS, LONGEST_NAME, NAME, Declaration, Table

FOLDER = Path(__file__).resolve().parents[1]


class DeclarationError(Exception):
    """A source.yml or contract.py cannot be used; the message names the file, the path in it and the fix."""

    exit_code = 2


class Source:
    """A declared source: its name, its validated ``source.yml`` and the contracts of its tables."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.name
        if not re.fullmatch(NAME.removesuffix("$"), self.name) or len(self.name) > LONGEST_NAME:
            raise DeclarationError(
                f"{folder}: a source's name is lower case letters, digits and single underscores, at most {LONGEST_NAME}:"
                " it names schemas and folders"
            )
        self.declared = _read(folder / "source.yml")

    @property
    def tables(self) -> dict[str, Table]:
        """Tables by name, parents before the tables made from them."""
        return dict(sorted(self.declared.tables.items(), key=lambda item: item[1].from_ is not None))

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
            stored = [*(c.name for c in columns_of(contract)), *MARKS, "_refine_id"]
            for field in (table.distribute_by, table.sort_by):
                if field and field not in stored:
                    raise DeclarationError(
                        f"{where}: {field!r} is not a column that {table.contract} has in the warehouse{_hint(field, stored)}"
                    )
            for field in (*table.key, *table.parent_key):
                if field not in contract.model_fields:
                    raise DeclarationError(
                        f"{where}: {field!r} is not a field of {table.contract}{_hint(field, contract.model_fields)}"
                    )
            if table.files and table.mode == "append" and not any(c.path == (FILE,) for c in columns_of(contract)):
                raise DeclarationError(
                    f"{where}: files in mode append need to know their rows again: give {table.contract} a field with"
                    f" path={FILE!r}"
                )
            if table.sees_deletes:
                made = [c.name for c in columns_of(contract) if c.name in table.key and is_made(contract, c)]
                if made:
                    raise DeclarationError(
                        f"{where}.key: a row that vanished is found by its key as it landed, and {', '.join(made)} is made by"
                        f" {table.contract}'s own code, or by Millrace; give the field the landed name as its path (and if that"
                        " begins with an underscore, name it in the contract's `needs`, too)"
                    )
            found[name] = contract
        return found


def load_sources(folder: Path = FOLDER) -> dict[str, Source]:
    """Every declared source by name, in alphabetical order; on the demo's data, the demo's sources only.

    Raises:
        DeclarationError: see `Source`.
    """
    demo = current().demo if folder == FOLDER else None
    paths = [path for path in sorted(folder.glob("*/source.yml")) if demo is None or path.parent.name in demo.sources]
    return {path.parent.name: Source(path.parent) for path in paths}


def _contract_module(folder: Path) -> types.ModuleType:
    if folder.parent == FOLDER:
        return importlib.import_module(f"{FOLDER.name}.{folder.name}.contract")
    spec = importlib.util.spec_from_file_location(f"contract_of_{folder.name}", folder / "contract.py")
    if spec is None or spec.loader is None or not (folder / "contract.py").exists():
        raise DeclarationError(f"{folder}: no contract.py beside source.yml")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _read(path: Path) -> Declaration:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise DeclarationError(f"{path}: not YAML: {error}") from None
    if not isinstance(content, dict):
        raise DeclarationError(f"{path}: expected keys such as connector and tables, found {type(content).__name__}")
    model: Any = CONNECTORS.get(str(content.get("connector")))
    if model is None:
        raise DeclarationError(
            f"{path}: connector: {content.get('connector')!r} is not one of {', '.join(CONNECTORS)}"
            f"{_hint(str(content.get('connector')), CONNECTORS)}"
        )
    try:
        declared: Declaration = model.model_validate(content)
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
