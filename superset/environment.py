"""What Superset's processes are told: where they read, where they keep what is theirs, and their secrets."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from settings import SettingsError

if TYPE_CHECKING:
    from settings import Settings

FOLDER = Path(__file__).resolve().parent
READ_ONLY = "access_mode=read_only&enable_external_access=false&lock_configuration=true"
"""For DuckDB: without the first, two readers lock each other out; without the others, SQL Lab could read and write files."""
PASSED_ON = (
    "PATH",
    "LANG",
    "TMPDIR",
    "LD_LIBRARY_PATH",  # without what loads this Python's libraries, Superset's might not start
    "LD_PRELOAD",
    "SUPERSET_EMBEDDED",
    "SUPERSET_GUEST_SECRET",
    "SUPERSET_LOG_LEVEL",
)


def environment(settings: Settings) -> dict[str, str]:
    """The environment of Superset's processes: superset_config.py reads it and nothing else.

    Raises:
        SettingsError: a setting that the target needs is missing; names it.
    """
    local = settings.target == "local"
    needed = ("dashboards_secret_key", "dashboards_meta_url", "dashboards_user", "dashboards_password", "redshift_host")
    missing = [f"ELT_{name.upper()}" for name in needed if not local and not plain_text(getattr(settings, name))]
    if missing:
        raise SettingsError(f"dashboards on aws need {', '.join(missing)}; see docs/dashboards.md")
    if not local and settings.dashboards_user == settings.redshift_user:
        raise SettingsError("ELT_DASHBOARDS_USER is the user that writes; give the dashboards one that may only read")
    settings.superset.mkdir(parents=True, exist_ok=True)
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        "HOME": str(settings.superset),
        "PYTHONWARNINGS": "ignore",
        **({"SSL_CERT_FILE": str(settings.ca_file)} if settings.ca_file else {}),
        "SUPERSET_ADMIN_PASSWORD": plain_text(settings.dashboards_admin_password)
        or (_kept(settings, "admin_password") if local else ""),
        "SUPERSET_CONFIG_PATH": str(FOLDER / "superset_config.py"),
        "SUPERSET_DATABASE_URI": database_uri(settings),
        "SUPERSET_HTTPS": "0" if local else "1",
        "SUPERSET_META_URI": plain_text(settings.dashboards_meta_url)
        or f"sqlite:///{settings.superset / 'superset.db'}",
        "SUPERSET_SECRET_KEY": plain_text(settings.dashboards_secret_key) or _kept(settings, "secret_key"),
    }


def database_uri(settings: Settings) -> str:
    """What the dashboards read, as a SQLAlchemy URI: the published file, or Redshift as a user who may only read."""
    if settings.target == "local":
        return f"duckdb:///{settings.serving}?{READ_ONLY}"
    user, password = quote(settings.dashboards_user, safe=""), quote(plain_text(settings.dashboards_password), safe="")
    where = f"{settings.redshift_host}:{settings.redshift_port}/{settings.redshift_serving}"
    return f"redshift+redshift_connector://{user}:{password}@{where}?sslmode=verify-full"


def plain_text(value: object) -> str:
    """A setting's text, also of one that is secret."""
    reveal = getattr(value, "get_secret_value", None)
    return str(reveal() if reveal else value)


def _kept(settings: Settings, name: str) -> str:
    """A secret of this laptop's Superset: made once, kept in the data folder, readable for its owner only."""
    path = settings.superset / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32 if name == "secret_key" else 9))
    return path.read_text()
