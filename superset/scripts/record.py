"""What the last import or export left here: in Superset's own key-value store, beside the assets it speaks of."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import files
import yaml
from superset.commands.export.assets import ExportAssetsCommand
from superset.daos.key_value import KeyValueDAO
from superset.key_value.types import JsonKeyValueCodec, KeyValueResource
from superset.models.dashboard import Dashboard
from superset.models.slice import Slice

from superset import db

_KEY = uuid.UUID("5f0d5c1c-6d5e-5f0b-9a51-6d696c6c7261")
_CODEC = JsonKeyValueCodec()
_FORM = hashlib.sha256(Path(files.__file__).read_bytes() + version("apache-superset").encode()).hexdigest()[:16]
"""How states were worked out: another Superset exports other words, which are nobody's edit."""


def exported() -> list[tuple[str, files.Document]]:
    """Every asset of this Superset as (kind, document), as its own export gives it."""
    _name_charts()
    found = []
    for name, content in ExportAssetsCommand().run():
        kind = name.split("/")[0]
        if kind in files.KINDS:
            found.append((kind, yaml.safe_load(content())))
    return found


def imported() -> set[str]:
    """The UUIDs that the files held at the last import or export."""
    record = KeyValueDAO.get_value(KeyValueResource.APP, _KEY, _CODEC) or {}
    return set(record.get("uuids", []))


def edited() -> list[str]:
    """Titles of assets that came from files and are not as the last import or export left them."""
    record = KeyValueDAO.get_value(KeyValueResource.APP, _KEY, _CODEC) or {}
    states: dict[str, str] = record.get("states", {}) if record.get("form") == _FORM else {}
    now = {str(d["uuid"]): (_state(kind, d), d[files.TITLES[kind]]) for kind, d in exported()}
    return sorted(str(now[uid][1]) for uid, state in states.items() if uid in now and now[uid][0] != state)


def remember(uuids: Iterable[str]) -> None:
    """Take the present state of the assets with these UUIDs as what the files say."""
    kept = set(uuids)
    states = {str(d["uuid"]): _state(kind, d) for kind, d in exported() if str(d["uuid"]) in kept}
    KeyValueDAO.upsert_entry(
        KeyValueResource.APP, {"form": _FORM, "uuids": sorted(kept), "states": states}, _CODEC, _KEY
    )
    db.session.commit()


def _name_charts() -> None:
    """Complete the layouts that name charts by number alone: Superset's export would place these charts twice."""
    uuids = {number: str(uid) for number, uid in db.session.query(Slice.id, Slice.uuid)}
    for dashboard in db.session.query(Dashboard):
        position = json.loads(dashboard.position_json or "{}")
        if files.name_charts(position, uuids):
            dashboard.position_json = json.dumps(position)


def _state(kind: str, document: files.Document) -> str:
    return hashlib.sha256(files.dump(files.plain(kind, document)).encode()).hexdigest()[:16]
