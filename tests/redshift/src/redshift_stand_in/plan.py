"""What is to be done for a statement, and what a client was refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .session import Session

Step = "str | Callable[[Session], None]"


class Refused(Exception):
    """An error for the client, with its SQLSTATE."""

    def __init__(self, message: str, code: str = "0A000") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Statement:
    """A statement as a client sent it."""

    client: str
    database: str
    sql: str


@dataclass(frozen=True)
class Plan:
    """How a statement is carried out.

    Args:
        sql: as the client sent it.
        run: in PostgreSQL's words.
        kind: "plain"; "begin" and "end" of a transaction; "alone" where PostgreSQL wants no transaction; "reset".
        before: SQL or calls before it, in the client's own transaction.
        after: the same, after it.
        work: what to do instead of `run`; gives the command's tag.
        tag: the command's tag where PostgreSQL's would be another.
        foreign: tables of other databases that it reads, and of the lake (spectrum.EXTERNAL).
    """

    sql: str
    run: str = ""
    kind: str = "plain"
    before: tuple[Any, ...] = ()
    after: tuple[Any, ...] = ()
    work: Callable[[Session], str] | None = None
    tag: str = ""
    foreign: tuple[tuple[str, str, str], ...] = field(default=())

    @property
    def steps(self) -> bool:
        """Does it take more than one command of PostgreSQL?"""
        return bool(self.before or self.after or self.work)

    @property
    def plain(self) -> bool:
        """Can it go through the extended protocol as it is?"""
        return self.kind in ("plain", "begin", "end") and not self.steps


@dataclass(frozen=True)
class Context:
    """What a statement's meaning depends on."""

    database: str
    databases: tuple[str, ...] = ("warehouse", "serving")
    case_sensitive: bool = False
    external: tuple[str, ...] = ()
