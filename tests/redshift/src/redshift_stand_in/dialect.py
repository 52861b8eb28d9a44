"""How the stand-in reads Redshift's SQL: functions keep their names, so that nothing is translated behind its back."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.dialects.redshift import Redshift
from sqlglot.errors import SqlglotError
from sqlglot.parsers.redshift import RedshiftParser
from sqlglot.tokens import Token, TokenType

from .plan import Refused

logging.getLogger("sqlglot").setLevel(logging.ERROR)
_KEEP = ("CAST", "CONVERT", "EXTRACT", "POSITION", "SUBSTRING", "TRIM")


class SpokenParser(RedshiftParser):
    """Redshift's parser without sqlglot's knowledge of functions."""

    FUNCTIONS: dict = {}
    FUNCTION_PARSERS = {name: RedshiftParser.FUNCTION_PARSERS[name] for name in _KEEP}
    NO_PAREN_FUNCTION_PARSERS = {
        **RedshiftParser.NO_PAREN_FUNCTION_PARSERS,
        "APPROXIMATE": lambda self: self._parse_function(),
    }


class Spoken(Redshift):
    """Redshift as clients speak it to the stand-in."""

    class Tokenizer(Redshift.Tokenizer):
        COMMANDS: set = set()
        KEYWORDS = {**Redshift.Tokenizer.KEYWORDS, "FLOAT": TokenType.DOUBLE}

    Parser = SpokenParser


@dataclass(frozen=True)
class Piece:
    """One statement of a text, with its tokens (their places are in `text`)."""

    text: str
    tokens: tuple[Token, ...]

    @property
    def words(self) -> list[str]:
        """The tokens' texts in capitals; quoted ones as they are, with a mark in front."""
        return [word(token) for token in self.tokens]


def word(token: Token) -> str:
    """A token as a keyword; what is quoted is none."""
    quoted = token.token_type in (TokenType.IDENTIFIER, TokenType.STRING)
    return f"\0{token.text}" if quoted else token.text.upper()


@functools.lru_cache(maxsize=4096)
def pieces(text: str) -> tuple[Piece, ...]:
    """The statements of a text."""
    try:
        tokens = Spoken().tokenize(text)
    except SqlglotError as error:
        raise Refused(f"syntax error: {str(error)[:200]}", "42601") from error
    found, run = [], []
    for token in [*tokens, None]:
        if token is not None and token.token_type != TokenType.SEMICOLON:
            run.append(token)
        elif run:
            found.append(_piece(text, run))
            run = []
    return tuple(found)


def _piece(text: str, run: list[Token]) -> Piece:
    part = text[run[0].start : run[-1].end + 1]
    if run[0].start == 0:
        return Piece(part, tuple(run))
    return Piece(part, tuple(Spoken().tokenize(part)))


def parsed(text: str, tokens: Sequence[Token] = ()) -> exp.Expression:
    """The tree of one statement; `Refused` where it has none.

    Args:
        tokens: the text's, where they are known already.
    """
    try:
        dialect = Spoken()
        found = [tree for tree in dialect.parser().parse(list(tokens or dialect.tokenize(text)), text) if tree]
    except SqlglotError as error:
        raise Refused(f"syntax error: {str(error)[:300]}", "42601") from error
    except (AttributeError, TypeError, KeyError) as error:
        raise Refused(f"the stand-in does not know how to read this: {error}", "42601") from error
    if len(found) != 1 or isinstance(found[0], exp.Command):
        raise Refused(f"the stand-in does not know the statement {text[:80]!r}", "42601")
    return found[0]
