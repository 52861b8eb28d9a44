"""Where a new source is: what `--from` says, as the connection and the table of a source.yml."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from foundation.environment import PREFIX, ROOT, current
from foundation.hidden import remember

from .._steps.declared import names
from .._steps.declared.address import without_login
from .._steps.declared.file_names import DELIMITED, JSON_LINES
from .._steps.declared.source_yml import LONGEST_NAME
from .bodies import read_body
from .login import read_login
from .sample_error import SampleError

_SETTING = re.compile(rf"(?:\$\{{(\w+)\}}|{PREFIX}(\w+))(/.*|\?.*)?")
_TABULAR = (*DELIMITED, ".xlsx", ".parquet", *JSON_LINES)
_FORMS = {
    "day": re.compile(r"\d{4}-\d\d-\d\d"),
    "time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"),
    "seconds": re.compile(r"1\d{9}"),
    "milliseconds": re.compile(r"1\d{12}"),
}
_ADDRESS = re.compile(r"(postgres(?:ql)?|mysql|mariadb|sqlite|https?|s3):", re.IGNORECASE)
_BEGINNING = re.compile(r"since|after|from|start|begin|(^|_)min|\bgte?\]?$", re.IGNORECASE)
"""A parameter that asks for what came or changed since a moment."""
_REST, _FILES, _HTML, _SQL = "rest_api", "files", "html_table", "sql_database"


@dataclass
class Origin:
    """Where a new source is.

    Attributes:
        connector: as source.yml names it.
        connection, place: the keys of its connection, and those of its table that say where the table is.
        setting: the `ELT_` name that the address has to be put into; "" where it stands in source.yml.
        table: the table's name in staging.
        text: what was given, as people may read it.
        notes: what people should know. asked: the parameters of the sample, where the endpoint has a window of its own.
        lent: values of settings that the command line itself gave, for this process alone.
        challenge: what the server says of the login that it wants, in the header WWW-Authenticate.
        proposed: tables that are left to a person, as the comments that source.yml has of them.
    """

    connector: str
    connection: dict[str, Any]
    place: dict[str, Any]
    table: str
    setting: str = ""
    text: str = ""
    notes: list[str] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)
    lent: dict[str, str] = field(default_factory=dict, repr=False)
    challenge: str = ""
    proposed: list[str] = field(default_factory=list)


def find_origin(
    name: str,
    given: str,
    table: str | None = None,
    selector: str | None = None,
    headers: Sequence[str] = (),
    auth: str | None = None,
    body: str | None = None,
) -> Origin:
    """What `--from` and the options beside it say.

    Raises:
        SampleError: they name nothing that can be read; says what can.
    """
    place, setting, behind = given.strip(), "", ""
    if found := _SETTING.fullmatch(place):
        setting, behind = f"{PREFIX}{(found[1] or found[2]).upper()}", found[3] or ""
        place = current().values.get(setting, "")
        if not place:
            raise SampleError(f"--from names {setting}, which is not set; put it into .env or the environment")
    scheme = urlsplit(place).scheme.lower() if "://" in place else ""
    if scheme in ("http", "https"):
        origin = _of_site(
            place, setting, behind, selector, read_login(headers, auth), read_body(body) if body else None
        )
    elif scheme in ("", "s3", "file"):
        origin = _of_files(place, setting, behind)
    else:
        origin = _of_database(name, place, setting, table)
    if selector and origin.connector != _HTML:
        raise SampleError("--selector is for a web page: give its address with --from")
    if body and origin.connector != _REST:
        raise SampleError("--body is for an API, which is asked with POST: give its address with --from")
    if auth and scheme not in ("http", "https"):
        raise SampleError("--auth is for an address that begins with https://; a database has its login in its address")
    origin.table = table_name(table.rpartition(".")[2] if table else origin.table, name)
    origin.text = given if setting else re.sub(r"^(\w[\w+.-]*://)[^/?#]*@", r"\1***@", given)
    return origin


def table_name(text: str, instead: str) -> str:
    """A table's name in staging, for what its source calls it."""
    name = names.field_name(unquote(text))
    name = re.sub(r"^field_(?=\d)", "rows_", name)
    return (name if name != "field" else instead)[:LONGEST_NAME].strip("_")


def _of_site(
    address: str, setting: str, behind: str, selector: str | None, login: Mapping[str, Any], body: Any = None
) -> Origin:
    """An API, a page or a file behind HTTP: which of them, the answer says where the address does not.

    Args:
        behind: what stands behind the name of the setting that holds the address.
        login: the connection's `headers` and `auth`, as far as they are given. body: what is sent with POST.
    """
    if setting:
        base, rest = _named(setting), behind.lstrip("/")
    else:
        _refuse_login(address)
        parts = urlsplit(address)
        folder = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').rpartition('/')[0]}"
        base, rest = folder, address.removeprefix(folder).lstrip("/")
    path, _, query = rest.partition("#")[0].partition("?")
    name = PurePosixPath(path).name
    if name.lower().endswith(_TABULAR) and not selector and not query and body is None:
        return Origin(_FILES, {"url": base, **login}, {"files": path}, _stem(name), setting)
    connection = {"base_url": base, **login}
    table = PurePosixPath(path).stem or "rows"
    if selector:
        return Origin(_HTML, connection, {"page": rest or "/", "selector": selector}, table, setting)
    params = dict(parse_qsl(query, keep_blank_values=True))
    endpoint: dict[str, Any] = {"path": path or "/"} | ({"params": params} if params else {})
    endpoint |= {"method": "POST", "json": body} if body is not None else {}
    return Origin(_REST, connection, {"endpoint": endpoint}, table, setting)


def window_of(params: Mapping[str, str]) -> tuple[dict[str, str], str] | None:
    """The parameters that ask for a span, or for what is newer than a moment, and the first day of that: two that are days or
    moments, or one whose name says that it is a beginning.
    """
    for form, pattern in _FORMS.items():
        found = sorted((value, name) for name, value in params.items() if pattern.fullmatch(value))
        if len(found) == 2 or (len(found) == 1 and _BEGINNING.search(found[0][1])):
            names = dict(zip(("since", "until"), (name for _, name in found), strict=False))
            return names | ({} if form == "day" else {"form": form}), _day(found[0][0], form)
    return None


def _day(value: str, form: str) -> str:
    """The day of a moment, in UTC where it is a number."""
    if form in ("day", "time"):
        return value[:10]
    return f"{datetime.fromtimestamp(int(value[:10]), UTC):%Y-%m-%d}"


def as_page(origin: Origin, selector: str = "table") -> Origin:
    """The same address, read as a web page."""
    endpoint = origin.place["endpoint"]
    query = "&".join(f"{name}={value}" for name, value in endpoint.get("params", {}).items())
    page = endpoint["path"] + (f"?{query}" if query else "")
    return Origin(
        _HTML, origin.connection, {"page": page, "selector": selector}, origin.table, origin.setting, origin.text
    )


def _of_files(text: str, setting: str, behind: str) -> Origin:
    """Files of a folder or an object store."""
    if "://" not in text and (begun := _ADDRESS.match(text)):  # what follows may hold a password
        raise SampleError(f"--from: an address begins with {begun[1]}://, with two slashes")
    if setting:
        pattern = behind.lstrip("/") or "*"
        return Origin(_FILES, {"url": _named(setting)}, {"files": pattern}, _stem(PurePosixPath(pattern).name), setting)
    folder, _, pattern = text.rpartition("/")
    if "://" not in text:
        whole = Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100 a link on the way stays as it is named
        if whole.is_dir():
            whole = whole / "*"
        folder, pattern = str(whole.parent), whole.name
        if not whole.parent.is_dir():
            raise SampleError(
                f"--from {text}: there is no folder {whole.parent}; correct the path, or create the folder first"
            )
        root = Path(ROOT)
        folder = str(whole.parent.relative_to(root)) if whole.parent.is_relative_to(root) else folder
    if re.search(r"[*?\[]", folder):
        raise SampleError(f"--from {text}: only the file's own name may have a `*`; give one folder")
    ending = pattern.lower().rstrip("*")
    if ending.endswith((".json", ".xml", ".zip")):
        raise SampleError(
            f"--from {text}: the files connector reads .csv, .csv.gz, .tsv, .txt, .jsonl, .jsonl.gz, .ndjson, .xlsx and .parquet."
            " Convert the files (of JSON: one record a line), serve the JSON over HTTP, or read them with `connector: python` and"
            " an extract.py"
        )
    return Origin(_FILES, {"url": folder}, {"files": pattern}, _stem(pattern))


def _stem(pattern: str) -> str:
    """What files are called without what differs from one to the next."""
    stem = re.sub(r"(\.(csv|tsv|txt|parquet|xlsx|jsonl|ndjson))?(\.gz)?$", "", pattern, flags=re.I)
    stem = re.sub(r"\[[^\]]*\]|\{month\}|[*?]", "", stem)
    return re.sub(r"[\d_.-]+$", "", stem) or "rows"


def _of_database(name: str, dsn: str, setting: str, table: str | None) -> Origin:
    lent = {}
    if not setting:
        setting = f"{PREFIX}{name.upper()}_URL"
        remember(dsn, setting)
        lent = {setting: dsn}  # source.yml has the name alone
    schema, _, bare = (table or "").rpartition(".")
    connection = {"url": _named(setting)} | ({"schema": schema} if schema else {})
    return Origin(_SQL, connection, {"table": bare}, bare, setting, lent=lent)


def _named(setting: str) -> str:
    return f"${{{setting.removeprefix(PREFIX)}}}"


def _refuse_login(address: str) -> None:
    """Refuse a login in clear; a parameter that names its setting is none."""
    bare = re.sub(r"[\w.-]+=\$\{\w+\}&?", "", address)
    try:
        without_login(bare)
    except ValueError as error:
        why = str(error) if str(error).startswith("its") else f"it {error}"
        raise SampleError(
            f"--from: the address cannot stand in source.yml: {why}. For example --from '${{SHOP_URL}}/orders', or"
            " --from 'https://host/orders?api_key=${SHOP_KEY}', or --header 'X-Api-Key=${SHOP_KEY}'"
        ) from None
