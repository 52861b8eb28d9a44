"""Bring Superset to what the files say: its tables, roles, the first admin, the assets. Runs in Superset's environment.

python scripts/prepare.py ASSETS [--managed] [--over-edits]

Prints a line per thing done; exits with the reason when a file is refused or an edit would be lost. The same files again
change nothing.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import files
import yaml
from flask_migrate import upgrade
from superset.app import create_app

HERE = Path(__file__).resolve().parents[1]
OWNER = "millrace"
"""The account that owns what comes from files. Nobody can sign in as it."""


@contextmanager
def together() -> Iterator[list[str]]:
    """Commit once what the block commits piece by piece: thousands of times, and each waits for the disk.

    Returns:
        A list that has an entry for each piece that was rolled back, and what came before it with it.
    """
    from superset import db

    session, undone = db.session(), list[str]()
    undo = session.rollback

    def roll_back() -> None:
        undone.append("rolled back")
        undo()

    session.commit, session.rollback = session.flush, roll_back
    try:
        yield undone
    finally:
        del session.commit, session.rollback
    session.commit()


def write_permissions() -> None:
    """What can be allowed, and the roles that Superset has by itself."""
    from superset import appbuilder, security_manager

    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()


def accounts(password: str | None) -> None:
    """The owner of the files' assets, and the first admin when there is none and a password is given."""
    from superset import db, security_manager

    admin = security_manager.find_role("Admin")
    if security_manager.find_user(OWNER) is None:
        owner = security_manager.add_user(
            OWNER, "Millrace", "(files)", "millrace@localhost", admin, secrets.token_hex(32)
        )
        owner.active = False
    if password and security_manager.find_user("admin") is None:
        security_manager.add_user("admin", "Admin", "Admin", "admin@localhost", admin, password)
    db.session.commit()


def import_assets(folder: Path, uri: str, managed: bool) -> list[str]:
    """Import every file under `folder` in one transaction, then remove what an earlier import brought and no file holds.

    Args:
        folder: the asset files.
        uri: SQLAlchemy URI that the database of the assets gets.
        managed: whether Superset shows the assets as managed by files, closed to edits in the browser.

    Raises:
        ValueError: a file that Superset refuses; holds Superset's reasons by file.
    """
    from superset.commands.exceptions import CommandInvalidError, ImportFailedError
    from superset.commands.importers.v1.assets import ImportAssetsCommand

    documents = {
        name: files.complete(name.split("/")[0], document) | {"is_managed_externally": managed}
        for name, document in files.read(folder).items()
    }
    contents = {"metadata.yaml": yaml.safe_dump(files.METADATA)}
    for name, document in documents.items():
        if name.startswith("databases/"):
            document["sqlalchemy_uri"] = uri
        contents[name] = yaml.safe_dump(document)
    try:
        ImportAssetsCommand(contents).run()
    except ImportFailedError as error:
        reason = error.__cause__ or error
        if isinstance(reason, CommandInvalidError):
            raise ValueError(
                f"Superset refuses the assets, nothing was imported: {reason.normalized_messages()}"
            ) from error
        raise ValueError(f"Superset could not import the assets, nothing was imported: {reason}") from error
    kept = {str(document["uuid"]) for document in documents.values()}
    said = [f"imported {len(documents)} files", *_remove_what_left(kept), *refresh_columns(kept)]
    import record

    record.remember(kept)
    return said


def _remove_what_left(kept: set[str]) -> list[str]:
    """Delete what an earlier import brought and no file holds; what people's own assets use stays until they go."""
    import record
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    from superset import db

    said, left = [], record.imported() - kept
    for word, model in (("dashboard", Dashboard), ("chart", Slice), ("dataset", SqlaTable), ("database", Database)):
        for item in [item for item in db.session.query(model) if str(item.uuid) in left]:
            name, users = getattr(item, files.TITLES[f"{word}s"]), []
            if model is SqlaTable:
                users = [chart.slice_name for chart in db.session.query(Slice) if chart.table is item]
            elif model is Database:
                users = [table.table_name for table in db.session.query(SqlaTable).filter_by(database_id=item.id)]
            if users:
                said.append(f"{word} {name} stays, though no file holds it: people here made {', '.join(users)} on it")
                kept.add(str(item.uuid))  # the next import looks again
            else:
                said.append(f"removed {word} {name}")
                db.session.delete(item)
        db.session.flush()
    db.session.commit()
    return said


def refresh_columns(uuids: set[str]) -> list[str]:
    """Give the datasets among `uuids` the columns their tables have now; says which changed.

    A table that cannot be read (nothing published yet, the warehouse away) keeps the columns of its file.
    """
    from superset.connectors.sqla.models import SqlaTable

    from superset import db

    said, unseen = [], []
    tables = db.session.query(SqlaTable).order_by(SqlaTable.schema, SqlaTable.table_name)
    for dataset in [table for table in tables if str(table.uuid) in uuids]:
        name = f"{dataset.schema}.{dataset.table_name}"
        metrics, time_column = {metric.metric_name for metric in dataset.metrics}, dataset.main_dttm_col
        try:
            changed = dataset.fetch_metadata()
            # it also adds a metric and chooses a time column, which are the file's to say
            dataset.metrics = [metric for metric in dataset.metrics if metric.metric_name in metrics]
            dataset.main_dttm_col = time_column
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            unseen.append(name)
            reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            continue
        for word, columns in (("new", changed.added), ("gone", changed.removed)):
            if columns:
                said.append(f"dataset {name}: {word} {', '.join(sorted(columns))}")
    if unseen:
        said.append(
            f"keep the columns of their files, because they could not be looked at ({reason}): {', '.join(unseen)}"
        )
    return said


def main() -> None:
    """Do it all and print a line per thing done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assets", type=Path)
    parser.add_argument("--managed", action="store_true")
    parser.add_argument("--over-edits", action="store_true")
    arguments = parser.parse_args()
    with create_app().app_context():
        upgrade()
        import metadata
        import record
        import roles
        from superset.utils.core import override_user

        from superset import security_manager

        metadata.allow_equal_table_names()
        with together() as undone:
            write_permissions()
        if undone:
            write_permissions()
        accounts(os.environ.get("SUPERSET_ADMIN_PASSWORD"))
        try:
            with override_user(security_manager.find_user(OWNER)):
                if not arguments.over_edits and not arguments.managed and (edited := record.edited()):
                    sys.exit(
                        f"edited in the browser and not exported: {', '.join(edited)}. `python runner.py dashboards export`"
                        " writes it to the files; `dashboards import --over-edits` undoes it"
                    )
                said = import_assets(arguments.assets, os.environ["SUPERSET_DATABASE_URI"], arguments.managed)
                said += roles.apply(yaml.safe_load((HERE / "security.yml").read_text(encoding="utf-8")))
        except ValueError as error:
            sys.exit(str(error))
    for line in said:
        print(f"· {line}")


if __name__ == "__main__":
    main()
