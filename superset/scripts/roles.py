"""Roles and row-level security as security.yml says them. Runs inside Superset."""

from __future__ import annotations

from typing import Any

from superset.connectors.sqla.models import RowLevelSecurityFilter, SqlaTable
from superset.models.core import Database
from superset.utils.core import RowLevelSecurityFilterType

from superset import db, security_manager


def apply(security: dict[str, Any]) -> list[str]:
    """Give each declared role exactly the permissions it declares, and each rule its roles, datasets and clause.

    Rules that the file no longer holds are removed; roles are not: people may stand in them.

    Returns:
        What was done, one line each.

    Raises:
        ValueError: a role, database or dataset that does not exist; names it.
    """
    for name, declared in (security.get("roles") or {}).items():
        role = security_manager.add_role(name)
        wanted = {p for like in declared.get("like", []) for p in _role(like).permissions}
        for database in declared.get("databases", []):
            wanted.add(security_manager.add_permission_view_menu("database_access", _database(database).perm))
        for dataset in declared.get("datasets", []):
            wanted.add(security_manager.add_permission_view_menu("datasource_access", _dataset(dataset).perm))
        role.permissions = sorted(wanted, key=lambda permission: permission.id)
    rules = security.get("row_level_security") or []
    for rule in rules:
        found = db.session.query(RowLevelSecurityFilter).filter_by(name=rule["name"]).one_or_none()
        found = found or RowLevelSecurityFilter(name=rule["name"])
        found.description = rule.get("description")
        found.filter_type = RowLevelSecurityFilterType.REGULAR
        found.clause = rule["clause"]
        found.roles = [_role(name) for name in rule["roles"]]
        found.tables = [_dataset(name) for name in rule["datasets"]]
        db.session.add(found)
    said = [f"roles: {', '.join(security.get('roles') or {})}"]
    for old in db.session.query(RowLevelSecurityFilter):
        if old.name not in {rule["name"] for rule in rules}:
            said.append(f"removed row-level security {old.name}")
            db.session.delete(old)
    db.session.commit()
    return said


def _role(name: str) -> Any:
    role = security_manager.find_role(name)
    if role is None:
        raise ValueError(f"security.yml: there is no role {name!r}")
    return role


def _database(name: str) -> Any:
    database = db.session.query(Database).filter_by(database_name=name).one_or_none()
    if database is None:
        raise ValueError(f"security.yml: there is no database {name!r}")
    return database


def _dataset(name: str) -> Any:
    schema, table = name.split(".")
    dataset = db.session.query(SqlaTable).filter_by(schema=schema, table_name=table).one_or_none()
    if dataset is None:
        raise ValueError(f"security.yml: there is no dataset {name!r}")
    return dataset
