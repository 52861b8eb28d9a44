"""What a table of staging was made for, beside what its contract says today: a contract changes, its rows are there already.

Staging records the shape of each table. What can follow by itself does: columns come, go, are renamed and get wider.
Anything else would change what stored values mean, and waits until a person says `rebuild`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from errors import ExitCode, MillraceError

from ..contracts.columns import Column, columns_of
from ..contracts.contract import Contract
from ..declared.declaration import Source

Shape = dict[str, Any]
_INTEGER_DIGITS = 19
"""Digits of the longest BIGINT."""
_IDENTITY = ("mode", "key", "from", "explode", "parent_key", "removes", "file_column")
_WORDS_ONLY = ("description", "title", "unit")
"""Keys of a JSON schema that judge no row."""


class ContractChangedError(MillraceError):
    """A contract or a table's declaration changed in a way that the existing rows cannot follow by themselves."""

    exit_code = ExitCode.CONFIGURATION


@dataclass
class Changes:
    """What a contract's change means for a table that has rows.

    Attributes:
        waits: what cannot follow by itself, in words: ``amount: BIGINT -> DECIMAL(10,2)``.
        renamed: old name to new: the value's place in the landed row is the same.
        widened: columns with their new type, which holds every value of the old one.
        private: what is kept of personal data now, in words: ``mail: clear -> hash``.
        stricter: whether rows may be judged otherwise now.
    """

    waits: list[str] = field(default_factory=list)
    added: dict[str, str] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    widened: dict[str, str] = field(default_factory=dict)
    private: list[str] = field(default_factory=list)
    stricter: bool = False

    def __bool__(self) -> bool:
        return bool(self.waits or self.added or self.dropped or self.renamed or self.widened or self.stricter)

    @property
    def words(self) -> str:
        """What follows by itself, for a person."""
        parts = [f"{name} is new" for name in self.added]
        parts += [f"{name} is gone" for name in self.dropped]
        parts += [f"{old} is called {new}" for old, new in self.renamed.items()]
        parts += [f"{name} is {kind} now" for name, kind in self.widened.items()]
        parts += self.private
        return ", ".join(parts) or "its rules changed"


def shape_of(source: Source, name: str) -> Shape:
    """The shape that a table's contract and declaration ask for, as JSON holds it."""
    table, contract = source.tables[name], source.contracts[name]
    identity = {
        "mode": table.mode,
        "key": table.key,
        "from": table.from_,
        "explode": table.explode,
        "parent_key": table.parent_key,
        "removes": table.removes,
        "file_column": table.file_column(contract) if table.by_file else None,
    }
    columns = {c.name: {"type": c.sql_type, "place": _place(c), "pii": c.pii or ""} for c in columns_of(contract)}
    shape = {"columns": columns, "rules": _hash_rules(contract), **identity}
    return dict(json.loads(json.dumps(shape)))


@lru_cache(maxsize=1_000)
def _hash_rules(contract: type[Contract]) -> str:
    """What changes with a contract's rules; kept, since a resident process asks at each turn, and Pydantic takes 10 ms."""
    rules = json.dumps(_rules(contract.model_json_schema(mode="validation")), sort_keys=True, default=str)
    return hashlib.sha256(rules.encode()).hexdigest()[:16]


def compare(old: Shape, new: Shape) -> Changes:
    """What has to happen so that a table of the old shape can take rows of the new one."""
    changes = Changes(stricter=old.get("rules") != new["rules"])
    before, after = old["columns"], new["columns"]
    for key in _IDENTITY:
        if key in old and old[key] != new[key] and _renamed_key(old, new, key):
            changes.waits.append(f"{key}: {_shown(old[key])} -> {_shown(new[key])}")
    changes.renamed = _renames(before, after)
    changes.widened = {n: after[n]["type"] for o, n in changes.renamed.items() if after[n]["type"] != before[o]["type"]}
    changes.added = {n: c["type"] for n, c in after.items() if n not in before and n not in changes.renamed.values()}
    changes.dropped = [name for name in before if name not in after and name not in changes.renamed]
    keyed = {*new["key"], *new["parent_key"]}
    for name in (name for name in before if name in after):
        _compare_column(name, before[name], after[name], name in keyed, changes)
    return changes


def changes_of(source: Source, state: Mapping[str, str]) -> dict[str, Changes]:
    """Per table whose contract or declaration changed since the state of its staging was written: what that means for it."""
    found = {}
    for name in source.tables:
        recorded: Shape = json.loads(state.get(f"shape:{name}", "{}"))
        if recorded and (changes := compare(recorded, shape_of(source, name))):
            found[name] = changes
    return found


def waiting(source: str, changed: Mapping[str, Changes]) -> str:
    """What a person has to know of changes that do not follow by themselves; empty where all do."""
    parts = [
        f"contract of {source}.{name} changed ({', '.join(changes.waits)})"
        for name, changes in changed.items()
        if changes.waits
    ]
    if not parts:
        return ""
    return (
        f"{'; '.join(parts)}; run `python runner.py rebuild {source}`: until then nothing of {source} is refined, and what"
        " is published stays as it is"
    )


def is_wider(old: str, new: str) -> bool:
    """Whether a column of the new type holds every value of the old one, unchanged."""
    if old == new:
        return True
    digits = {kind: [int(n) for n in re.findall(r"\d+", kind)] for kind in (old, new)}
    if old.startswith("VARCHAR(") and new.startswith("VARCHAR("):
        return digits[new][0] >= digits[old][0]
    if new.startswith("DECIMAL("):
        precision, scale = digits[new]
        if old == "BIGINT":
            return holds_decimals(precision, scale)
        if old.startswith("DECIMAL("):
            return holds_decimals(precision, scale, *digits[old])
    return False


def holds_decimals(precision: int, scale: int, old_precision: int = _INTEGER_DIGITS, old_scale: int = 0) -> bool:
    """Whether a decimal of these digits holds every decimal of the old ones, or every BIGINT, unchanged."""
    return scale >= old_scale and precision - scale >= old_precision - old_scale


def _compare_column(name: str, old: dict[str, str], new: dict[str, str], keyed: bool, changes: Changes) -> None:
    hashed = "hash" in (old["pii"], new["pii"]) and old["pii"] != new["pii"]
    texts = old["type"].startswith("VARCHAR") and new["type"].startswith("VARCHAR")
    if hashed and keyed:
        changes.waits.append(f"{_private(name, old, new)}, and it is part of the key")
    elif hashed and texts:
        changes.stricter = True
        if not is_wider(new["type"], old["type"]):
            changes.widened[name] = new["type"]
    elif old["type"] != new["type"]:
        if is_wider(old["type"], new["type"]):
            changes.widened[name] = new["type"]
        else:
            changes.waits.append(f"{name}: {old['type']} -> {new['type']}")
    elif old["place"] != new["place"]:
        changes.stricter = True
    if old["pii"] != new["pii"]:
        changes.private.append(_private(name, old, new))
        changes.stricter = True


def _private(name: str, old: dict[str, str], new: dict[str, str]) -> str:
    return f"{name}: {old['pii'] or 'clear'} -> {new['pii'] or 'clear'}"


def _renames(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """Columns whose value comes from the same place under another name, by old name."""
    found: dict[str, str] = {}
    for old in (name for name in before if name not in after):
        same = [
            new
            for new in after
            if new not in before and new not in found.values() and _is_same(before[old], after[new])
        ]
        if len(same) == 1:
            found[old] = same[0]
    return found


def _is_same(old: dict[str, str], new: dict[str, str]) -> bool:
    """Whether two columns hold the same values, but for their width."""
    return old["place"] == new["place"] and old["pii"] == new["pii"] and is_wider(old["type"], new["type"])


def _renamed_key(old: Shape, new: Shape, key: str) -> bool:
    """Whether a list of key fields differs by more than the names of its columns."""
    if key not in ("key", "parent_key"):
        return True
    renamed = _renames(old["columns"], new["columns"])
    return bool([renamed.get(name, name) for name in old[key]] != new[key])


def _place(column: Column) -> Any:
    return column.computed or [list(path) for path in column.paths]


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _rules(schema: Any) -> Any:
    """A JSON schema without its words for people."""
    if isinstance(schema, dict):
        return {k: _rules(v) for k, v in schema.items() if not (k in _WORDS_ONLY and isinstance(v, str))}
    return [_rules(part) for part in schema] if isinstance(schema, list) else schema
