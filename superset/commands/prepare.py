"""Bring Superset to what the files say: its tables, roles, the first admin, the assets. Runs in Superset's environment.

python commands/prepare.py DATABASE_URI [--managed]    prints what it did; exit 2 with the reason when a file is refused

Everything is done once per call and nothing twice: the same files again change nothing.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import uuid
from pathlib import Path
from typing import Any

import files
import yaml
from flask_migrate import upgrade
from superset.app import create_app

HERE = Path(__file__).resolve().parents[1]
OWNER = "millrace"
"""The account that owns what comes from files. Nobody can sign in as it."""
IMPORTED = uuid.UUID("5f0d5c1c-6d5e-5f0b-9a51-6d696c6c7261")
"""Where Superset's own key-value store keeps the UUIDs of the last import: what left the files is known by it."""


def accounts(password: str | None) -> None:
    """The owner of the files' assets, and the first admin when there is none and a password is given."""
    from superset import db, security_manager

    admin = security_manager.find_role("Admin")
    if security_manager.find_user(OWNER) is None:
        owner = security_manager.add_user(OWNER, "Millrace", "(files)", "millrace@localhost", admin, secrets.token_hex(32))
        owner.active = False
    if password and security_manager.find_user("admin") is None:
        security_manager.add_user("admin", "Admin", "Admin", "admin@localhost", admin, password)
    db.session.commit()


def import_assets(uri: str, managed: bool) -> list[str]:
    """Import every file under assets/ in one transaction, then remove what an earlier import brought and no file holds.

    Args:
        uri: SQLAlchemy URI that the database of the assets gets.
        managed: whether Superset shows the assets as managed by files, closed to edits in the browser.

    Raises:
        ValueError: a file that Superset refuses; holds Superset's reasons by file.
    """
    from superset.commands.exceptions import CommandInvalidError, ImportFailedError
    from superset.commands.importers.v1.assets import ImportAssetsCommand

    documents = {
        name: files.complete(name.split("/")[0], document) | {"is_managed_externally": managed}
        for name, document in files.read(HERE / "assets").items()
    }
    contents = {"metadata.yaml": yaml.safe_dump(files.METADATA)}
    for name, document in documents.items():
        if name.startswith("databases/"):
            document["sqlalchemy_uri"] = uri
        contents[name] = yaml.safe_dump(document)
    try:
        ImportAssetsCommand(contents).run()
    except CommandInvalidError as error:
        reasons = error.normalized_messages()
        raise ValueError(f"Superset refuses the assets: {reasons}") from error
    except ImportFailedError as error:
        raise ValueError(f"Superset could not import the assets: {error.__cause__ or error}") from error
    kept = {str(document["uuid"]) for document in documents.values()}
    return [f"imported {len(documents)} files", *_remove_what_left(kept)]


def _remove_what_left(kept: set[str]) -> list[str]:
    from superset import db
    from superset.connectors.sqla.models import SqlaTable
    from superset.daos.key_value import KeyValueDAO
    from superset.key_value.types import JsonKeyValueCodec, KeyValueResource
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    codec, said = JsonKeyValueCodec(), []
    left = set(KeyValueDAO.get_value(KeyValueResource.APP, IMPORTED, codec) or []) - kept
    for model in (Dashboard, Slice, SqlaTable, Database):  # what stands on others first
        for item in db.session.query(model):
            if str(item.uuid) in left:
                if model is SqlaTable and (used := [c.slice_name for c in db.session.query(Slice) if c.table is item]):
                    said.append(f"kept dataset {item.table_name}: no file holds it, but charts made here use it: {used}")
                    kept.add(str(item.uuid))
                    continue
                said.append(f"removed {item.__tablename__.rstrip('s')} {item}")
                db.session.delete(item)
        db.session.flush()
    KeyValueDAO.upsert_entry(KeyValueResource.APP, sorted(kept), codec, IMPORTED)
    db.session.commit()
    return said


def refresh_columns() -> list[str]:
    """Give every dataset the columns its table has now; says which changed.

    A table that cannot be read (nothing published yet, the warehouse away) keeps the columns of its file.
    """
    from superset import db
    from superset.connectors.sqla.models import SqlaTable

    said = []
    for dataset in db.session.query(SqlaTable).order_by(SqlaTable.schema, SqlaTable.table_name):
        name = f"{dataset.schema}.{dataset.table_name}"
        metrics, time_column = {metric.metric_name for metric in dataset.metrics}, dataset.main_dttm_col
        try:
            changed = dataset.fetch_metadata()
            # it also adds a metric and chooses a time column, which are the file's to say
            dataset.metrics = [metric for metric in dataset.metrics if metric.metric_name in metrics]
            dataset.main_dttm_col = time_column
        except Exception as error:
            said.append(f"dataset {name} keeps the columns of its file: {type(error).__name__}: {str(error).splitlines()[0]}")
            db.session.rollback()
            continue
        for word, columns in (("new", changed.added), ("gone", changed.removed), ("retyped", changed.modified)):
            if columns:
                said.append(f"dataset {name}: {word} {', '.join(sorted(columns))}")
    db.session.commit()
    return said


def main() -> None:
    """Do it all and print a line per thing done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--managed", action="store_true")
    arguments = parser.parse_args()
    with create_app().app_context():
        upgrade()
        from superset import appbuilder, security_manager
        from superset.utils.core import override_user

        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        accounts(os.environ.get("SUPERSET_ADMIN_PASSWORD"))
        try:
            with override_user(security_manager.find_user(OWNER)):
                said = import_assets(os.environ["SUPERSET_DATABASE_URI"], arguments.managed)
                said += refresh_columns()
                said += roles_of_file()
        except ValueError as error:
            sys.exit(f"{error}")
    print("\n".join(said))


def roles_of_file() -> list[str]:
    """Apply security.yml."""
    import roles

    declared: dict[str, Any] = yaml.safe_load((HERE / "security.yml").read_text(encoding="utf-8"))
    return roles.apply(declared)


if __name__ == "__main__":
    main()
