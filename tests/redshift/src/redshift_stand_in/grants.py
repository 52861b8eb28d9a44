"""Users, roles and what they may: CREATE USER and ROLE, GRANT, REVOKE, ALTER DEFAULT PRIVILEGES."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .dialect import Piece
from .plan import Plan, Refused

if TYPE_CHECKING:
    from .session import Session

_NAME = r'("[^"]+"|[\w$]+)'
_PASSWORD = rf"(CREATE|ALTER)\s+USER\s+{_NAME}\s+(?:WITH\s+)?PASSWORD\s+(DISABLE|'(?:[^']|'')*')\s*(CREATEUSER)?"
_LENT = rf"(GRANT|REVOKE)\s+ASSUMEROLE\s+ON\s+('[^']+'(?:\s*,\s*'[^']+')*|ALL)\s+(?:TO|FROM)\s+(?:(?:ROLE|GROUP)\s+)?{_NAME}\s+FOR\s+([A-Z, ]+)"
EVERYBODY = {("public", "ALL", "COPY"), ("public", "ALL", "UNLOAD")}
"""Who may use a role of the cluster, which, and for what: at first everybody may use all."""
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
    if second == "ASSUMEROLE":
        return _lend(piece.text, text)
    text = re.sub(r"^(GRANT|REVOKE)\s+ROLE\s+", r"\1 ", text, flags=re.I)
    return Plan(piece.text, re.sub(r"\b(TO|FROM)\s+(GROUP|ROLE)\s+", r"\1 ", text, flags=re.I))


def is_lent(session: Session, role: str, command: str) -> bool:
    """Whether a session's user may let Redshift use a role for COPY or UNLOAD: as superuser, or by a grant."""
    names = session.internal("SELECT rolname FROM pg_roles WHERE pg_has_role(current_user, oid, 'member')")
    mine = {"public", *((name or b"").decode() for [name] in names)}
    lent = {(who, which) for who, which, what in session.server.lent if what == command}
    return _is_superuser(session) or any(who in mine and which in ("ALL", role) for who, which in lent)


def _is_superuser(session: Session) -> bool:
    """Whether a session's user is what Redshift calls so: who may make roles."""
    asked = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    return session.internal(asked) == [[b"t"]]


def _lend(said: str, text: str) -> Plan:
    found = re.fullmatch(_LENT, text, re.I)
    if not found:
        raise Refused(f'syntax error in "{said}"', "42601")
    roles = re.findall(r"'([^']+)'", found[2]) or ["ALL"]
    commands = [word.strip().upper() for word in found[4].split(",")]
    commands = ["COPY", "UNLOAD"] if commands == ["ALL"] else commands
    if set(commands) - {"COPY", "UNLOAD"}:
        raise Refused(f"the stand-in knows ASSUMEROLE for COPY and UNLOAD, not for {commands}")
    named = {(found[3].strip('"').lower(), role, command) for role in roles for command in commands}

    def work(session: Session) -> str:
        if not _is_superuser(session):
            raise Refused("must be superuser to grant or revoke ASSUMEROLE", "42501")
        if found[1].upper() == "GRANT":
            if session.server.lent & EVERYBODY:
                raise Refused("ASSUMEROLE must be revoked from PUBLIC before it is granted for the first time", "0A000")
            session.server.lent |= named
        else:
            session.server.lent = {one for one in session.server.lent if not any(_covers(gone, one) for gone in named)}
        return found[1].upper()

    return Plan(said, work=work)


def _covers(gone: tuple[str, str, str], one: tuple[str, str, str]) -> bool:
    return gone[0] == one[0] and gone[2] == one[2] and gone[1] in ("ALL", one[1])


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
