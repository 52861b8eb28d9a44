"""The login of a new source: what `--auth` and `--header` say, and what to say where a server wants one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import requests
from pydantic import TypeAdapter, ValidationError

from foundation.environment import PREFIX

from .._steps.declared.connections import Auth, ClientCredentials
from .._steps.declared.source_error import SourceError
from .sample_error import SampleError

WANTED = (requests.codes.unauthorized, requests.codes.forbidden, requests.codes.proxy_authentication_required)
"""Statuses of an answer to somebody who has not logged in, or may not read this."""
_SECRET = re.compile(r"\$\{(\w+)\}")
_BEARER = re.compile(r"Bearer +(\$\{\w+\})", re.IGNORECASE)
_FORMS = {
    "bearer": "token=${{{0}_TOKEN}}",
    "http_basic": "username=me password=${{{0}_PASSWORD}}",
    "oauth2_client_credentials": "access_token_url=https://login.example.com/token client_id=me client_secret=${{{0}_SECRET}}",
}


def read_login(headers: Sequence[str], auth: str | None) -> dict[str, Any]:
    """The keys `headers` and `auth` of a connection, as far as they are given.

    Raises:
        SampleError: a login is not one that there is, or holds a secret in clear.
    """
    pairs = [text.partition("=") if "=" in text else text.partition(":") for text in headers]
    given = {name.strip(): value.strip() for name, _, value in pairs}
    login = _read_auth(auth) if auth else None
    for name in [name for name in given if name.lower() == "authorization"]:
        if login:
            raise SampleError("--header Authorization is what --auth makes: leave out one of the two")
        if token := _BEARER.fullmatch(given[name]):
            del given[name]
            login = {"type": "bearer", "token": token[1]}
    return ({"headers": given} if given else {}) | ({"auth": login} if login else {})


def _read_auth(text: str) -> dict[str, Any]:
    """`auth` as source.yml has it, of a type and the values of its keys: `bearer token=${SHOP_TOKEN}`."""
    try:
        kind, *words = shlex.split(text)
        given: dict[str, Any] = dict(word.split("=", 1) for word in words)
    except ValueError:
        raise SampleError(f"--auth is a type and its values, such as {_example('bearer', 'SHOP')}") from None
    if kind not in _FORMS:
        raise SampleError(f"--auth: no login is of type {kind!r}; there are {', '.join(_FORMS)}")
    if kind == "oauth2_client_credentials":  # what else its server wants to be told
        others = {name: given.pop(name) for name in list(given) if name not in ClientCredentials.model_fields}
        given |= {"access_token_request_data": others} if others else {}
    login = {"type": kind, **given}
    try:
        TypeAdapter[Any](Auth).validate_python(login)
    except ValidationError as error:
        raise SampleError(f"--auth {kind}: {_explain(error)}; for example --auth {_example(kind, 'SHOP')}") from None
    return login


def _explain(error: ValidationError) -> str:
    """What is wrong with a login, without its values, which may be secrets."""
    reasons = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        name = ".".join(str(part) for part in item["loc"][1:])
        pattern = item["type"] == "string_pattern_mismatch"
        why = "write the name of the setting that holds it, ${NAME}" if pattern else item["msg"]
        reasons.append(f"{name}: {why.removeprefix('Value error, ')}")
    return "; ".join(reasons)


def _example(kind: str, name: str) -> str:
    return f"'{kind} {_FORMS[kind].format(name)}'"


def settings_of(connection: Mapping[str, Any]) -> list[str]:
    """The `ELT_` names that hold a connection's login, in its headers or its `auth`."""
    values = [*connection.get("headers", {}).values(), *connection.get("auth", {}).values()]
    return [f"{PREFIX}{found[1].upper()}" for value in values if (found := _SECRET.fullmatch(str(value)))]


def describe_login(connection: Mapping[str, Any]) -> str:
    """How the source is logged in to, for people; "" where it is not."""
    by = [f"`auth` of type {connection['auth']['type']}"] if "auth" in connection else []
    by += [f"the header {name}" for name, value in connection.get("headers", {}).items() if _SECRET.fullmatch(value)]
    return f"login: {' and '.join(by)}; its values are in {', '.join(settings_of(connection))}" if by else ""


def ask_for_login(
    error: SourceError, name: str, text: str, connection: Mapping[str, Any], challenge: str
) -> SampleError:
    """What to do about a server that wants a login, or another one.

    Args:
        name: the source's. text: its address as it was given.
        challenge: the header WWW-Authenticate of the answer.
    """
    answered = f"{error.status} {HTTPStatus(error.status or 0).phrase}"
    wants = f" (it asks for {kinds})" if (kinds := ", ".join(_kinds_in(challenge))) else ""
    if given := settings_of(connection):
        why = f"the login in {', '.join(given)} was refused, or may not read this. Check its value, or give another"
    else:
        why = "it wants a login. Put its secret into .env, and give the name that it has there without ELT_"
    upper = name.upper()
    lines = [f"  --auth {_example(kind, upper)}" for kind in _FORMS]
    lines += [
        f"  --header 'X-Api-Key=${{{upper}_KEY}}'   a key in a header, by the name that the API gives it",
        f"  --from 'https://host/path?key=${{{upper}_KEY}}'   a key among the parameters",
        f"({PREFIX}{upper}_TOKEN=... in .env is what ${{{upper}_TOKEN}} stands for; docs/how-to.md, Logins, has the other ways)",
    ]
    return SampleError("\n".join([f"--from {text}: it answered {answered}{wants}: {why}:", *lines]))


def _kinds_in(challenge: str) -> Iterator[str]:
    """The schemes that a WWW-Authenticate header names and `auth` has a type for."""
    for scheme, kind in (("basic", "http_basic"), ("bearer", "bearer")):
        if re.search(rf"(^|,)\s*{scheme}\b", challenge, re.IGNORECASE):
            yield kind
