"""The key ``connection`` of a ``source.yml``, per connector: where the source is and how to talk to it."""

from __future__ import annotations

from typing import Annotated, Literal, Union

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ..contracts.text import is_encoding
from .address import SETTING, Address, name_secrets, names_its_secrets


class Strict(BaseModel):
    """A part of ``source.yml``: an unknown key is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Connection(Strict):
    """Where a source is: under the key `base_url` or `url`, where it has an address at all."""

    @property
    def address(self) -> str:
        """Its address as declared: the text, or the ``${NAME}`` of its setting; "" for none."""
        return str(getattr(self, "base_url", None) or getattr(self, "url", ""))


class BearerAuth(Strict):
    """A token that does not expire, in the header `Authorization`."""

    type: Literal["bearer"]
    token: str = Field(pattern=SETTING, description="`${NAME}` of the setting that holds the token")


class BasicAuth(Strict):
    """A user and a password, in the header `Authorization`."""

    type: Literal["http_basic"]
    username: str = Field(min_length=1, description="the user, or `${NAME}` of the setting that holds it")
    password: str = Field(pattern=SETTING, description="`${NAME}` of the setting that holds the password")


class ClientCredentials(Strict):
    """OAuth 2.0 with client credentials: a token is fetched for each read, and again before it expires."""

    type: Literal["oauth2_client_credentials"]
    access_token_url: Address = Field(
        description="where tokens are given, `https://host/path`, or `${NAME}` of the setting that holds it"
    )
    client_id: str = Field(min_length=1, description="the client, or `${NAME}` of the setting that holds it")
    client_secret: str = Field(pattern=SETTING, description="`${NAME}` of the setting that holds the client's secret")
    access_token_request_data: Annotated[dict[str, str], AfterValidator(name_secrets)] = Field(
        {}, description="what else the server wants to be told, such as `scope` or `audience`"
    )
    default_token_expiration: int = Field(
        3600, ge=1, description="seconds that a token lives whose answer does not say it"
    )


Auth = Annotated[Union[BearerAuth, BasicAuth, ClientCredentials], Field(discriminator="type")]


class HttpConnection(Connection):
    """How to talk to an HTTP server, and how patient to be. Times in seconds."""

    headers: Annotated[dict[str, str], AfterValidator(names_its_secrets)] = Field(
        {}, description="sent to this server and to no other; a secret by name only: `${NAME}` is the whole value"
    )
    auth: Auth | None = Field(
        None, description="how to log in, in dlt's terms; this server sees it and no other; without it, `headers` may"
    )
    hosts: list[str] = Field(
        [], description="other servers (`host` or `host:port`) that it may redirect to, or link to for its next page"
    )
    max_megabytes: float = Field(512, gt=0, description="an answer longer than this, unpacked, is refused")
    max_total_megabytes: float | None = Field(None, gt=0, description="the same for all answers of one read together")
    timeout: float = Field(60, gt=0, description="how long to wait for a connection, and for more of an answer")
    attempts: int = Field(5, ge=1, description="tries per request on 429, 5xx, timeouts and broken answers")
    backoff: float = Field(1, ge=0, description="first wait; doubles each time, at most 60 s")

    @model_validator(mode="after")
    def _one_login(self) -> HttpConnection:
        if self.auth and any(name.lower() == "authorization" for name in self.headers):
            raise ValueError("the header Authorization is what `auth` makes: leave out one of the two")
        return self


class RestConnection(HttpConnection):
    """Where a REST API is."""

    base_url: Address = Field(description="`https://host/path`, or `${NAME}` of the setting that holds it")
    max_total_megabytes: float | None = Field(
        20_000, gt=0, description="a read whose answers together are longer than this is given up"
    )


class HtmlConnection(HttpConnection):
    """Where a site is. A page with a ranking is small: what is larger is not what was declared."""

    base_url: Address = Field(description="`https://host/path`, or `${NAME}` of the setting that holds it")
    max_megabytes: float = Field(50, gt=0, description="a page longer than this is refused")
    max_tags: int = Field(
        1_000_000, ge=1, description="a page of more tags is refused: 10 seconds and 0.3 GB for a million"
    )


def _differ(names: list[str]) -> list[str]:
    """Names of columns as they are given.

    Raises:
        ValueError: one is empty, or given twice.
    """
    if not all(names) or len({name.lower() for name in names}) < len(names):
        raise ValueError("each column needs a name of its own")
    return names


class FilesConnection(HttpConnection):
    """Where files lie: a folder, an object store's ``s3://bucket/prefix``, or an HTTP address."""

    url: Address = Field(
        description="a folder, `s3://bucket/prefix` or `https://host/path`, or `${NAME}` of the setting that holds it"
    )
    max_megabytes: float = Field(4096, gt=0, description="a file longer than this is refused")
    max_unpacked_megabytes: float = Field(
        65_536,
        gt=0,
        description="a file that is longer than this unpacked, or a Parquet's values together, is refused; a value may stand"
        " there once and be meant a million times",
    )
    delimiter: str = Field(",", min_length=1, max_length=1, description="CSV: between the cells")
    skip_lines: int = Field(
        0,
        ge=0,
        le=1000,
        description="CSV and Excel: lines before the header, such as a title; or, with `header`, before the first row",
    )
    header: Annotated[list[str], AfterValidator(_differ)] | None = Field(
        None,
        min_length=1,
        description="CSV and Excel: the names of the columns, where the files have no line that says them",
    )
    encoding: Annotated[str, AfterValidator(is_encoding)] = Field(
        "utf-8", description="CSV and JSON lines: of their text, such as cp1252"
    )
    sheet: str | None = Field(None, min_length=1, description="Excel: name of the sheet; unset: the first")
    max_line: int = Field(1_000_000, ge=1000, description="CSV and JSON lines: a line of more bytes is rejected")


class SqlConnection(Connection):
    """A database. The DSN is a secret: name it, do not write it."""

    url: str = Field(pattern=SETTING, description="`${NAME}` of the setting that holds the DSN")
    schema_: str | None = Field(None, alias="schema", description="of its tables; unset: the login's own")
    chunk_size: int = Field(50_000, ge=1, description="rows per batch in memory")


class PythonConnection(Connection):
    """Whatever ``extract.py`` wants to know; values may be ``${NAME}``, and secrets must be."""

    values: Annotated[dict[str, str], AfterValidator(name_secrets)] = Field(
        {}, description="passed to each function of extract.py"
    )
