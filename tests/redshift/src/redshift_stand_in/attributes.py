"""The words of a CREATE or ALTER TABLE that only Redshift has: distribution, sort order, encodings."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot.tokens import Token, TokenType

from .dialect import Piece, word
from .plan import Refused

STYLES = ("AUTO", "EVEN", "KEY", "ALL")
ENCODINGS = [
    "AUTO",
    "RAW",
    "AZ64",
    "BYTEDICT",
    "DELTA",
    "DELTA32K",
    "LZO",
    "MOSTLY8",
    "MOSTLY16",
    "MOSTLY32",
    "RUNLENGTH",
    "TEXT255",
    "TEXT32K",
    "ZSTD",
    "NONE",
]


@dataclass
class Attributes:
    """What was declared about a table."""

    diststyle: str | None = None
    distkeys: list[str] = field(default_factory=list)
    sortkey: list[str] | None = None
    compound: bool = True

    @property
    def any(self) -> bool:
        """Was anything declared?"""
        return bool(self.diststyle or self.distkeys or self.sortkey)


class _Reader:
    def __init__(self, piece: Piece) -> None:
        self.tokens = list(piece.tokens)
        self.found = Attributes()
        self.text = list(piece.text)
        self.at = 0

    def word(self, offset: int = 0) -> str:
        at = self.at + offset
        return word(self.tokens[at]) if 0 <= at < len(self.tokens) else ""

    def blank(self, count: int) -> None:
        """Take tokens out of the text."""
        first, last = self.tokens[self.at], self.tokens[self.at + count - 1]
        self.text[first.start : last.end + 1] = " " * (last.end + 1 - first.start)
        self.at += count

    def listed(self, offset: int) -> tuple[list[str], int]:
        """The names of a parenthesised list that begins so many tokens on, and how many tokens it takes."""
        if self.word(offset) != "(":
            raise Refused("syntax error: a list of columns is missing", "42601")
        names, count = [], 1
        while self.word(offset + count) not in (")", ""):
            if self.word(offset + count) != ",":
                names.append(self.word(offset + count).removeprefix("\0").lower())
            count += 1
        return names, count + 1


def split(piece: Piece) -> tuple[str, Attributes]:
    """The statement without them, and what they said."""
    reader = _Reader(piece)
    depth, lists = 0, 0
    create = reader.word() == "CREATE"
    while reader.at < len(reader.tokens):
        token = reader.tokens[reader.at]
        said = word(token)
        if create and depth == 0 and said == "AS":
            break
        depth += (said == "(") - (said == ")")
        lists += said == "(" and depth == 1
        if depth == 0 and _of_table(reader, said):
            continue
        if depth == (1 if create else 0) and lists <= 1 and _of_column(reader, said, token):
            continue
        reader.at += 1
    return "".join(reader.text), reader.found


def _of_table(reader: _Reader, said: str) -> bool:
    found = reader.found
    if said == "DISTSTYLE":
        style = reader.word(1)
        if style not in STYLES:
            raise Refused(f'syntax error at or near "{style}": a distribution style is AUTO, EVEN, KEY or ALL', "42601")
        found.diststyle = style
        reader.blank(2)
    elif said == "DISTKEY" and reader.word(1) == "(":
        names, count = reader.listed(1)
        found.distkeys += names
        reader.blank(1 + count)
    elif (said in ("COMPOUND", "INTERLEAVED") and reader.word(1) == "SORTKEY") or said == "SORTKEY":
        skip = int(said != "SORTKEY")
        found.compound = said != "INTERLEAVED"
        if reader.word(skip + 1) == "AUTO":
            found.sortkey = ["auto"]
            reader.blank(skip + 2)
        elif reader.word(skip + 1) == "(":
            names, count = reader.listed(skip + 1)
            found.sortkey = names
            reader.blank(skip + 1 + count)
        else:
            return False
    elif (said == "BACKUP" and reader.word(1) in ("YES", "NO")) or (
        said == "ENCODE" and reader.word(1) == "AUTO" and reader.word(2) not in (",", ")")
    ):
        reader.blank(2)
    else:
        return False
    return True


def _of_column(reader: _Reader, said: str, token: Token) -> bool:
    previous = reader.tokens[reader.at - 1]
    if previous.token_type in (TokenType.L_PAREN, TokenType.COMMA):
        reader.column = token.text.lower()  # type: ignore[attr-defined]
        return False
    if said == "ENCODE":
        encoding = reader.word(1)
        if encoding not in ENCODINGS:
            raise Refused(f'syntax error: "{encoding}" is not a column encoding', "42601")
        reader.blank(2)
    elif said in ("DISTKEY", "SORTKEY") and reader.word(1) != "(" and reader.word(-1) != "ALTER":
        column = getattr(reader, "column", "")
        if said == "DISTKEY":
            reader.found.distkeys.append(column)
        else:
            reader.found.sortkey = [*(reader.found.sortkey or []), column]
        reader.blank(1)
    else:
        return False
    return True


def check(found: Attributes, columns: list[str]) -> None:
    """Keys must be columns, one distribution key at most."""
    if len(found.distkeys) > 1:
        raise Refused("multiple distkeys specified, only one is allowed", "42P16")
    for name in [*found.distkeys, *(found.sortkey or [])]:
        if name not in columns and name != "auto":
            raise Refused(f'column "{name}" named in key does not exist', "42703")
    if found.distkeys and found.diststyle not in (None, "KEY"):
        raise Refused(f"DISTSTYLE {found.diststyle} does not allow a DISTKEY", "42P16")
    if found.diststyle == "KEY" and not found.distkeys:
        raise Refused("DISTSTYLE KEY requires a DISTKEY", "42P16")
    if len(found.sortkey or []) > (400 if found.compound else 8):
        raise Refused("too many sort keys", "54011")
