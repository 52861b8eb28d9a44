"""The key ``endpoint`` of a table in ``source.yml``: what a REST API is asked for."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from .address import Path, name_secrets
from .connections import Strict

PLACEHOLDER = re.compile(r"(?<!\$)\{([^{}\s\"']*)\}")
"""What an endpoint is asked with, by the path in a record of its `for_each`."""


class Window(Strict):
    """Query parameters that ask an API for a part of its records: those of a span, or those since a moment."""

    since: str = Field(description="name of the parameter for the beginning, such as `from` or `updated_since`")
    until: str | None = Field(
        None, description="the same for the end; unset: the API takes none, and a backfill reads up to today"
    )
    form: Literal["day", "time", "seconds", "milliseconds"] = Field(
        "day",
        description="how the API takes them: `day` 2026-01-31, both ends inclusive; `time` 2026-01-31T08:15:00Z; `seconds` or"
        " `milliseconds` since 1970",
    )
    body: bool = Field(
        False,
        strict=True,
        description="true: they go into the endpoint's `json`, not into the query; a dot leads into an object: `filter.since`",
    )


class Endpoint(Strict):
    """One REST endpoint."""

    path: Path = Field(
        description="appended to the connection's `base_url`; with `for_each`, `{id}` is the value of each record at the path `id`"
    )
    params: Annotated[dict[str, Any], AfterValidator(name_secrets)] = Field(
        {},
        description="query parameters; a text may be `${NAME}`, the name of a setting: a secret must be; or, with `for_each`, `{id}`",
    )
    for_each: str | None = Field(
        None,
        description="a table of this source: the endpoint is asked for each of its records that a read brings, whose `id` is"
        " at the path `_for_each.id` of each row",
    )
    method: Literal["GET", "POST"] = Field("GET", description="POST: what to read is said in a body, `json`")
    body: Annotated[dict[str, Any], AfterValidator(name_secrets)] | None = Field(
        None,
        alias="json",
        description="with POST: the body; a text may be `${NAME}`. Where pages are asked for in it, the paginator says so:"
        " `offset_body_path`, `page_body_path`, `cursor_body_path`",
    )
    window: Window | None = Field(
        None,
        description="the API takes a span, or a moment since which records changed; goes with `cursor` and `start`",
    )
    data_selector: str = Field("$", description="JSONPath of the list of records")
    paginator: dict[str, Any] | Literal["auto", "single_page"] = Field(
        "auto",
        description="dlt's own paginator configuration; auto: what the first answer asks for. single_page: one answer is"
        " all, whatever it says. Where `page_number` has no `base_page`, page 0 is tried and then page 1",
    )
    max_pages: int = Field(
        10_000,
        ge=1,
        description="a read of more pages, with `for_each` those for one record, is given up: a server may never say the last",
    )

    @model_validator(mode="after")
    def _body_of_post(self) -> Endpoint:
        if self.body is not None and self.method != "POST":
            raise ValueError("`json` is the body of a POST: add `method: POST`")
        if self.window and self.window.body and self.body is None:
            raise ValueError(
                "a `window` with `body: true` goes into the endpoint's `json`: add it, `json: {}` at least"
            )
        return self

    @property
    def placeholders(self) -> list[str]:
        """The paths in a record of `for_each` that the endpoint is asked with, each once."""
        texts = [value for value in self.params.values() if isinstance(value, str) and PLACEHOLDER.fullmatch(value)]
        return list(dict.fromkeys(name for text in (self.path, *texts) for name in PLACEHOLDER.findall(text)))
