"""The kinds of sources: a class per connector says what its ``source.yml`` holds, and what the steps go by.

A class here, and a module of its name in `connectors/` that reads, are a connector: all else follows from these two. CONTRIBUTING.md
adds one step by step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args

from pydantic import Field, TypeAdapter

from .connections import FilesConnection, HtmlConnection, PythonConnection, RestConnection, SqlConnection
from .source_yml import AnySource


def connectors() -> Mapping[str, type[AnySource]]:
    """Every kind of source by the name of its connector, in the order of this module."""
    return {get_args(kind.model_fields["connector"].annotation)[0]: kind for kind in AnySource.__subclasses__()}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of ``source.yml``."""
    kinds: Any = Union[tuple(connectors().values())]
    return TypeAdapter(Annotated[kinds, Field(discriminator="connector")]).json_schema()


class RestSource(AnySource):
    """A source read through dlt's ``rest_api``."""

    place = "endpoint"
    asks_since = True
    reads_ahead = True
    connector: Literal["rest_api"]
    connection: RestConnection


class SqlSource(AnySource):
    """A source read through dlt's ``sql_database``."""

    place = "table"
    brings = "columns"
    asks_since = True
    reads_ahead = True
    connector: Literal["sql_database"]
    connection: SqlConnection


class HtmlSource(AnySource):
    """Tables in web pages."""

    place = "page"
    brings = "cells"
    reads_ahead = True
    connector: Literal["html_table"]
    connection: HtmlConnection


class FilesSource(AnySource):
    """CSV and Parquet files, each landed once per version."""

    place = "files"
    brings = "columns"
    reads_ahead = True
    connector: Literal["files"]
    connection: FilesConnection


class PythonSource(AnySource):
    """A source whose ``extract.py`` has a function per table."""

    asks_since = True
    reads_ahead = False  # a team's own code may not be fit for threads
    connector: Literal["python"]
    connection: PythonConnection = PythonConnection()
