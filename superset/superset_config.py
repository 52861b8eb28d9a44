"""Superset's configuration, safe by default. Superset reads it in a process and an environment of its own.

What must differ between a laptop and production comes from the environment, and there only:

=====================  =================================================================================================
SUPERSET_SECRET_KEY    signs sessions, encrypts database passwords; required, 32 characters or more
SUPERSET_META_URI      where Superset keeps users and assets; required; Postgres in production
SUPERSET_HTTPS         1 (default): cookies travel over TLS only, behind a proxy that says so; 0: a laptop
SUPERSET_EMBEDDED      1: dashboards may be embedded for guests; then SUPERSET_GUEST_SECRET is required, too
SUPERSET_LOG_LEVEL     WARNING
=====================  =================================================================================================

`runner.py dashboards` sets them from settings.py. docs/dashboards.md has the production notes.
"""

import os
from datetime import timedelta

from superset.config import TALISMAN_CONFIG as _SHIPPED

PALETTE = "millrace"  # the colour scheme that every chart names


def _secret(name: str) -> str:
    value = os.environ.get(name, "")
    if len(value) < 32:
        raise RuntimeError(f"{name} must be set to 32 characters or more; make one with: openssl rand -base64 42")
    return value


HTTPS = os.environ.get("SUPERSET_HTTPS", "1") != "0"
EMBEDDED = os.environ.get("SUPERSET_EMBEDDED", "0") == "1"

# Where it is
APP_NAME = "Millrace"
SECRET_KEY = _secret("SUPERSET_SECRET_KEY")
SQLALCHEMY_DATABASE_URI = os.environ["SUPERSET_META_URI"]
LOG_LEVEL = os.environ.get("SUPERSET_LOG_LEVEL", "WARNING")
FAB_API_SWAGGER_UI = False

# Who may come in, and what a browser may do
AUTH_USER_REGISTRATION = False
PUBLIC_ROLE_LIKE = None  # nobody sees a dashboard without signing in
AUTH_RATE_LIMITED = True
AUTH_RATE_LIMIT = "20 per minute"  # guesses at passwords, per address
RATELIMIT_ENABLED = True
RATELIMIT_APPLICATION = "100 per second"  # a dashboard asks for all its charts at once
WTF_CSRF_ENABLED = True
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
PERMANENT_SESSION_LIFETIME = timedelta(hours=12)
ENABLE_PROXY_FIX = HTTPS
ENABLE_CORS = False
TALISMAN_ENABLED = True
_policy = dict(_SHIPPED["content_security_policy"])
# The shipped policy lets pages load a telemetry pixel and map tiles: nothing here needs the internet, nothing phones home.
_policy |= {
    "img-src": ["'self'", "blob:", "data:"],
    "connect-src": ["'self'"],
    "style-src": ["'self'", "'unsafe-inline'"],
}
_policy |= {"font-src": ["'self'"]}
TALISMAN_CONFIG = {
    **_SHIPPED,
    "content_security_policy": _policy,
    "session_cookie_secure": HTTPS,
    "strict_transport_security": HTTPS,
}
HTML_SANITIZATION = True

# What it may do with databases
PREVENT_UNSAFE_DB_CONNECTIONS = True
ROW_LIMIT = 5000
SQL_MAX_ROW = 20000
SUPERSET_WEBSERVER_TIMEOUT = 60

FEATURE_FLAGS = {
    "ALERT_REPORTS": False,  # needs Celery, a broker and a browser; the pipeline itself tells the team of trouble
    "ALLOW_ADHOC_SUBQUERY": False,  # an ad hoc filter must not reach around row-level security
    "DASHBOARD_RBAC": False,  # who may read a dataset sees its dashboards: one rule, not two
    "DASHBOARD_VIRTUALIZATION": True,  # charts below the fold wait until they are scrolled to
    "EMBEDDED_SUPERSET": EMBEDDED,
    "ENABLE_TEMPLATE_PROCESSING": False,  # no Jinja in SQL
    "RLS_IN_SQLLAB": True,  # row-level security holds in SQL Lab, too
    "TAGGING_SYSTEM": False,
}
if EMBEDDED:
    GUEST_TOKEN_JWT_SECRET = _secret("SUPERSET_GUEST_SECRET")  # the shipped default is public
    GUEST_TOKEN_JWT_EXP_SECONDS = 300
    GUEST_ROLE_NAME = "Guest"  # created by hand; until it is, a guest gets nothing
else:
    GUEST_TOKEN_JWT_SECRET = os.urandom(32).hex()  # embedding is off; nobody is to hold a key all the same

# No cache of query results: the next refresh after a publish shows the new data, and the databases answer fast.
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}

# One palette for every dashboard; colours tell apart for most kinds of colour blindness (after Okabe and Ito).
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": PALETTE,
        "label": "Millrace",
        "description": "",
        "isDefault": True,
        "colors": [
            "#1f6f8b",
            "#e08e1a",
            "#3d9970",
            "#c8553d",
            "#8d6ab8",
            "#5fb0d6",
            "#b5a642",
            "#d98cb3",
            "#4a5568",
            "#93c47d",
        ],
    }
]
EXTRA_SEQUENTIAL_COLOR_SCHEMES = [
    {
        "id": f"{PALETTE}_blues",
        "label": "Millrace blues",
        "description": "",
        "isDiverging": False,
        "isDefault": True,
        "colors": ["#eef6f9", "#bcdde8", "#7fbcd2", "#3f93b3", "#1f6f8b", "#134b5f"],
    }
]
