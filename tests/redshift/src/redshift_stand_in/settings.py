"""Session settings: those that only Redshift has live in PostgreSQL under the prefix ``rs.``."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from .plan import Plan, Refused

OURS = {
    "activate_aqmv",
    "analyze_threshold_percent",
    "auto_analyze",
    "cast_super_null_on_error",
    "query_group",
    "datashare_break_glass_session_var",
    "default_geometry_encoding",
    "describe_field_name_in_uppercase",
    "downcase_delimited_identifier",
    "enable_case_sensitive_identifier",
    "enable_case_sensitive_super_attribute",
    "enable_numeric_rounding",
    "enable_result_cache_for_session",
    "enable_vacuum_boost",
    "max_cursor_result_set_size",
    "error_on_nondeterministic_update",
    "json_serialization_enable",
    "json_serialization_parse_nested_strings",
    "mv_enable_aqmv_for_session",
    "navigate_super_null_on_error",
    "parse_super_null_on_error",
    "pg_federation_repeatable_read",
    "spectrum_enable_pseudo_columns",
    "spectrum_query_maxerror",
    "stored_proc_log_min_messages",
    "use_fips_ssl",
    "wlm_query_slot_count",
}
THEIRS = {
    "application_name",
    "client_encoding",
    "client_min_messages",
    "datestyle",
    "extra_float_digits",
    "intervalstyle",
    "search_path",
    "statement_timeout",
    "timezone",
}
_SET = re.compile(r"SET\s+(?:(SESSION|LOCAL)\s+)?([\w.]+)\s*(?:=|\bTO\b|\s)\s*(.+)", re.I | re.S)
_TRUE = {"true", "on", "1", "yes", "t"}
FIXED = (
    "-c timezone=UTC -c datestyle=ISO,MDY -c standard_conforming_strings=on -c jit=off -c password_encryption=md5 -c md5_password_warnings=off -c client_min_messages=warning "
    "-c max_parallel_workers_per_gather=0"
)


@dataclass(frozen=True)
class Options:
    """The ``options`` of a login."""

    text: str
    case_sensitive: bool = False
    names_encoding: bool = False


def startup_options(startup: dict[str, str]) -> Options:
    """PostgreSQL's ``options`` for a client's; an unknown setting is refused, as by a real server."""
    words, pairs = shlex.split(startup.get("options", "")), []
    while words:
        word = words.pop(0)
        word = words.pop(0) if word == "-c" and words else word.removeprefix("-c").removeprefix("--")
        pairs.append(word.partition("=")[::2])
    text, case_sensitive = FIXED, False
    for name, value in pairs:
        known = name.lower()
        if known not in OURS | THEIRS:
            raise Refused(f'unrecognized configuration parameter "{name}"', "42704")
        if known == "enable_case_sensitive_identifier":
            case_sensitive = value.lower() in _TRUE
        if known != "client_encoding":
            escaped = value.replace("\\", "\\\\").replace(" ", "\\ ")
            text += f" -c {'rs.' if known in OURS else ''}{known}={escaped}"
    names = {name.lower() for name, _ in pairs} | set(startup)
    return Options(text, case_sensitive, "client_encoding" in names)


def settings(sql: str, session: object = None) -> Plan:
    """The plan of SET, RESET or SHOW."""
    text = sql.strip().rstrip(";").strip()
    first = text.split()[0].upper()
    if first == "SHOW":
        return _show(sql, text)
    if first == "RESET":
        return _reset(sql, text)
    if re.match(r"SET\s+(SESSION\s+AUTHORIZATION|SESSION\s+CHARACTERISTICS|TRANSACTION)\b", text, re.I):
        return Plan(sql, text)
    found = _SET.fullmatch(text)
    if not found:
        raise Refused(f"the stand-in does not know the statement {text[:60]!r}", "42601")
    scope, name, value = found[1] or "", found[2].lower(), found[3].strip()
    if name == "time" and value.lower().startswith("zone"):
        return Plan(sql, text)
    if name in THEIRS:
        return Plan(sql, text)
    if name not in OURS and "." not in name:
        raise Refused(f'unrecognized configuration parameter "{name}"', "42704")
    known = name if "." in name else f"rs.{name}"
    plan = Plan(sql, f"SET {scope} {known} TO {value}")
    if name == "enable_case_sensitive_identifier":
        on = value.strip("'\"").lower() in _TRUE

        def remember(session: object) -> None:
            session.case_sensitive = on  # type: ignore[attr-defined]

        plan = Plan(sql, plan.run, after=(remember,))
    return plan


def _show(sql: str, text: str) -> Plan:
    name = " ".join(text.split()[1:]).lower().strip('"')
    if name in OURS:
        fallback = "false" if name.startswith(("enable", "error", "json", "describe")) else "unset"
        return Plan(sql, f"SELECT coalesce(current_setting('rs.{name}', true), '{fallback}') AS \"{name}\"")
    if name in THEIRS | {"server_version", "time zone", "transaction isolation level", "transaction_isolation"}:
        return Plan(sql, "SELECT '8.0.2'::varchar AS server_version" if name == "server_version" else f"SHOW {name}")
    if name == "standard_conforming_strings":  # what sqlalchemy-redshift asks: a backslash escapes there
        return Plan(sql, "SELECT 'off'::varchar AS standard_conforming_strings")
    raise Refused(f"the stand-in does not know SHOW {name}", "42704")


def _reset(sql: str, text: str) -> Plan:
    name = text.split()[-1].lower()
    if name in ("all", "enable_case_sensitive_identifier"):
        return Plan(sql, "RESET ALL" if name == "all" else f"RESET rs.{name}", kind="reset")
    return Plan(sql, f"RESET {'rs.' if name in OURS else ''}{name}")
