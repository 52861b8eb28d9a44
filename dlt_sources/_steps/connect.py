"""Connectors: a declared table as a dlt resource whose items are pages of raw rows.

dlt's own ``rest_api`` and ``sql_database`` do the reading; this module turns the declaration into their configuration
and every failure into a `SourceError` that says what happened and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import requests
from dlt.extract.resource import DltResource

from settings import Settings, SettingsError

from .declaration import RestConnection, RestSource, Source, SqlSource, Table


class SourceError(Exception):
    """A source did not answer, or not with what was declared. Nothing of the failed read has been landed."""

    exit_code = 3


def expand(text: str, settings: Settings) -> str:
    """Replace a ``${NAME}`` that is the whole text by its setting; other text is returned as it is."""
    return settings.lookup(text[2:-1]) if text.startswith("${") and text.endswith("}") else text


def connect(
    source: Source, name: str, table: Table, since: datetime | None, until: datetime, settings: Settings
) -> DltResource:
    """The raw rows of one table as a dlt resource.

    Args:
        since: with a cursor: read rows from here on (the overlap is already taken off); None reads everything.
        until: last moment of an API's window.

    Returns:
        A resource of pages: lists of JSON records (rest_api) or Arrow tables (sql_database).
    """
    if isinstance(source.declared, RestSource):
        return _rest_api(source.declared, name, table, since, until, settings)
    return _sql_database(source.declared, table, since, settings)


def _rest_api(
    declared: RestSource, name: str, table: Table, since: datetime | None, until: datetime, settings: Settings
) -> DltResource:
    from dlt.sources.rest_api import rest_api_resources

    assert table.endpoint is not None
    endpoint = table.endpoint
    params = dict(endpoint.params)
    if endpoint.window and since:
        params |= {endpoint.window.since: f"{since:%Y-%m-%d}", endpoint.window.until: f"{until:%Y-%m-%d}"}
    [resource] = rest_api_resources(
        {
            "client": {
                "base_url": expand(declared.connection.base_url, settings),
                "headers": declared.connection.headers,
                "session": _session(declared.connection, endpoint.data_selector, settings.retry_pace),
                "paginator": endpoint.paginator,  # type: ignore[typeddict-item]
            },
            "resources": [
                {
                    "name": name,
                    "endpoint": {"path": endpoint.path, "params": params, "data_selector": endpoint.data_selector},
                }
            ],
        }
    )
    return resource


def _session(connection: RestConnection, selector: str, pace: float) -> requests.Session:
    """A session that waits and tries again on 429, 5xx, timeouts, cut connections and answers without records."""
    from dlt.sources.helpers.requests import Client

    def broken(answer: requests.Response | None, error: BaseException | None) -> bool:
        return answer is not None and error is None and answer.ok and _unlike_records(answer, selector) is not None

    session: requests.Session = Client(
        request_timeout=connection.timeout,
        request_max_attempts=connection.attempts,
        request_backoff_factor=connection.backoff * pace,
        request_max_retry_delay=60 * pace,
        retry_condition=broken,
    ).session
    patient: Callable[..., requests.Response] = session.send

    def send(request: requests.PreparedRequest, **options: Any) -> requests.Response:
        answer = patient(request, **options)  # the last one, when the attempts are used up
        if answer.ok and (wrong := _unlike_records(answer, selector)):
            raise SourceError(f"{_without_query(answer.url)}: {wrong}; {_NEXT}")
        return answer

    session.send = send  # type: ignore[method-assign]
    return session


def _unlike_records(answer: requests.Response, selector: str) -> str | None:
    """Why a successful answer is not what was declared, or None when there is a list of records at `selector`."""
    from dlt.common import jsonpath

    try:
        content = answer.json()
    except requests.exceptions.JSONDecodeError as error:
        kind = answer.headers.get("content-type", "no content type")
        return (
            f"the answer is not whole JSON ({kind}, {len(answer.content)} bytes: {error.msg} at character {error.pos})"
        )
    found = content if selector == "$" else next(iter(jsonpath.find_values(selector, content)), None)
    if not isinstance(found, list):
        return f"expected a list of records at {selector}, found {type(found).__name__}"
    return None


def _sql_database(declared: SqlSource, table: Table, since: datetime | None, settings: Settings) -> DltResource:
    import sqlalchemy as sa
    from dlt.sources.sql_database import sql_table

    def only_since(query: Any, selected: sa.Table) -> Any:
        if table.cursor and since:
            cursor = selected.c[table.cursor]
            return query.where(sa.or_(cursor >= since, cursor.is_(None)))  # a row without a time could be new
        return query

    return sql_table(
        _driver(expand(declared.connection.url, settings)),
        table=table.table or "",
        schema=declared.connection.schema_,
        backend="connectorx",
        backend_kwargs={"return_type": "arrow_stream"},
        chunk_size=declared.connection.chunk_size,
        query_adapter_callback=only_since,
    )


def reach(source: Source, settings: Settings) -> str:
    """Ask the source for a sign of life, without reading a table; returns where it answered.

    Raises:
        SourceError: it did not.
    """
    import sqlalchemy as sa

    try:
        if isinstance(source.declared, RestSource):
            url = expand(source.declared.connection.base_url, settings)
            requests.get(url, timeout=5)  # any answer will do
            return url
        url = expand(source.declared.connection.url, settings)
        with sa.create_engine(_driver(url)).connect():
            return sa.make_url(url).render_as_string(hide_password=True)
    except (requests.RequestException, sa.exc.SQLAlchemyError) as error:
        raise explain(error, source.name, "check its address, and that it is up") from None


def _driver(url: str) -> str:
    """A Postgres DSN with the driver this project installs."""
    import sqlalchemy as sa

    parsed = sa.make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg2")
    return parsed.render_as_string(hide_password=False)


_NEXT = "nothing of this read was landed, the next run starts from the same place"


def explain(error: BaseException, source: str, then: str = _NEXT) -> SourceError | SettingsError:
    """The reason inside dlt's and the drivers' wrappings, in words: what failed, why, what to do next."""
    cause: BaseException | None = error
    chain: list[BaseException] = []
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    for found in chain:
        if isinstance(found, SourceError | SettingsError):
            return found
    said = next((text for found in chain if (text := _said(found))), None)
    if said is None:
        lines = str(chain[-1]).strip().splitlines() or ["no more is known"]
        said = f"{type(chain[-1]).__name__}: {lines[0]}"
    return SourceError(f"{source}: {_without_password(said)}; {then}")


def _said(error: BaseException) -> str | None:
    """A failed request in words; None for any other error."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        answer = error.response
        return f"{_without_query(answer.url)} answered {answer.status_code} {answer.reason}"
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return f"the answer is not whole JSON ({error.msg} at character {error.pos})"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.RequestException):
        return f"could not be reached ({type(error).__name__})"
    return None


def _without_password(text: str) -> str:
    return re.sub(r"://([^:/@\s]*):[^@\s]*@", r"://\1:***@", text)


def _without_query(url: str) -> str:
    return url.split("?")[0]
