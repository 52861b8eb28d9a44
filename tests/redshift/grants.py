"""Users, roles and what they may: CREATE USER and ROLE, GRANT, REVOKE, ALTER DEFAULT PRIVILEGES."""

from __future__ import annotations

import re

from tests.redshift.dialect import Piece
from tests.redshift.plan import Plan, Refused

_NAME = r'("[^"]+"|[\w$]+)'
_PASSWORD = rf"(CREATE|ALTER)\s+USER\s+{_NAME}\s+(?:WITH\s+)?PASSWORD\s+(DISABLE|'(?:[^']|'')*')\s*(CREATEUSER)?"
_RULES = (r".{8,64}", r".*[A-Z].*", r".*[a-z].*", r".*[0-9].*", r"[!-~]+", r"[^'\"\\/@]+")


def concerns(words: list[str]) -> bool:
    """Is a statement of these words about users, roles or rights?"""
    made = words[:2] in (["CREATE", "USER"], ["CREATE", "ROLE"]) or (
        words[:2] == ["ALTER", "USER"] and "PASSWORD" in words
    )
    return made or words[0] in ("GRANT", "REVOKE") or words[:2] == ["ALTER", "DEFAULT"]


def plan(piece: Piece) -> Plan:
    """The plan of one. PostgreSQL has one kind of role, so a user and a role of one name would be the same here."""
    first, second = piece.words[:2]
    text = re.sub(r'"[^"]*"', lambda found: found[0].lower(), piece.text)
    if second == "USER":
        return _user(piece.text, text)
    if first == "CREATE":
        found = re.fullmatch(rf"CREATE\s+ROLE\s+{_NAME}", text, re.I)
        if not found:
            raise Refused(f'syntax error in "{piece.text}": CREATE ROLE takes a name', "42601")
        return Plan(piece.text, f"CREATE ROLE {found[1]} NOLOGIN", tag="CREATE ROLE")
    text = re.sub(r"^(GRANT|REVOKE)\s+ROLE\s+", r"\1 ", text, flags=re.I)
    return Plan(piece.text, re.sub(r"\b(TO|FROM)\s+(GROUP|ROLE)\s+", r"\1 ", text, flags=re.I))


def _user(said: str, text: str) -> Plan:
    """A user must be given a password, in clear by Redshift's rules or hashed, or none (DISABLE)."""
    found = re.fullmatch(_PASSWORD, text, re.I)
    if not found:
        raise Refused(f"the stand-in knows CREATE and ALTER USER name PASSWORD only, not {said.split()[:3]}", "42601")
    verb, name, password, above = found[1].upper(), found[2], found[3], bool(found[4])
    if password.upper() == "DISABLE":
        password = "NULL"
    elif not re.fullmatch("'md5[0-9a-f]{32}'", password) and not all(re.fullmatch(r, password[1:-1]) for r in _RULES):
        raise Refused("The password must be 8 to 64 characters, with a capital, a small letter and a digit", "42601")
    more = " IN ROLE rs_clients" if verb == "CREATE" else ""
    superuser = " SUPERUSER" if above else ""
    return Plan(said, f"{verb} ROLE {name} LOGIN{superuser} PASSWORD {password}{more}", tag=f"{verb} USER")
