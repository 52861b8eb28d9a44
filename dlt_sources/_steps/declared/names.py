"""Names that the stores take: what a source, table or column may be called so that it is called so everywhere."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

from ..contracts.contract import Contract
from .source_yml import LONGEST_NAME, NAME

LONGEST_COLUMN = 63
"""Bytes of Postgres's longest identifier; Redshift has room for 127."""
_PLAIN = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""Names that dlt leaves as they are: to ask it takes half a second, the first time."""
_STAGING = "staging"
"""In the operational Postgres dlt merges through a schema beside each source's: that of ``shop`` is ``shop_staging``."""
_TAKEN = {
    "ops": "the schema `stg_ops` holds the record of runs",
    "public": "it is Postgres's own schema",
    "information_schema": "it is Postgres's own schema",
}


def refuse_source(folder: Path) -> str | None:
    """Why no source can have the folder's name, with the fix; None: it can."""
    name = folder.name
    if not re.fullmatch(NAME.removesuffix("$"), name) or len(name) > LONGEST_NAME:
        return (
            f"a source's name is lower case letters, digits and single underscores, at most {LONGEST_NAME}:"
            " it names schemas and folders; rename the folder"
        )
    reason = _TAKEN.get(name)
    if name == _STAGING or name.endswith(f"_{_STAGING}"):
        other = name.removesuffix(_STAGING).strip("_") or "x"
        reason = f"schemas that end in `_{_STAGING}` are dlt's: in the operational Postgres `{name}` is where it merges the rows of `{other}`"
    if name.startswith("pg_"):
        reason = "Postgres keeps names that begin with `pg_` for itself"
    if (folder.parent / f"{name}.py").exists():
        reason = f"the module {folder.parent.name}/{name}.py has that name"
    return f"the name {name!r} is taken: {reason}; rename the folder" if reason else None


def refuse_column(name: str) -> str | None:
    """Why a stored column cannot have the name, with the fix; None: it can."""
    spelled = name if _PLAIN.fullmatch(name) else _naming().normalize_identifier(name)
    path = f"give it another name and say where its value is: `path={name!r}`"
    if spelled != name:
        return (
            f"the warehouse would call it {spelled!r}; {path}" if spelled.strip("_x") else f"it is not a name; {path}"
        )
    if "__" in name:
        return f"a double underscore divides names of dlt; {path}"
    if len(name.encode()) > LONGEST_COLUMN:
        return f"its name has {len(name.encode())} bytes, Postgres has room for {LONGEST_COLUMN}; {path}"
    return None


_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "Ae", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "þ": "th"})
"""Letters that Unicode does not take apart into a plain one and its mark."""
_OF_CONTRACT_PY = {"date", "datetime", "column", "checked_only", "computed", "str", "int", "float", "bool", "list"}
"""What contract.py calls something else: a field of the name would hide it from the lines below."""


def field_name(path: str, taken: Collection[str] = (), before: str = "field") -> str:
    """A field's name for what the source calls `path`.

    Args:
        taken: names that the contract has. before: the word put before a name that Python, Pydantic or another field has.
    """
    plain = unicodedata.normalize("NFKD", path.translate(_LETTERS)).encode("ascii", "ignore").decode()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
    name = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[: LONGEST_COLUMN - 15].strip("_") or "field"
    if name[0].isdigit() or name in taken or _is_used(name):
        name = f"{before}_{name}"
    first, number = name, 2
    while name in taken:
        name, number = f"{first}_{number}", number + 1
    return name


def _is_used(name: str) -> bool:
    return keyword.iskeyword(name) or name in _OF_CONTRACT_PY or hasattr(Contract, name)


@cache
def _naming() -> Any:
    from dlt.common.normalizers.naming.snake_case import NamingConvention

    return NamingConvention()
