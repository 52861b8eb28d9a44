"""A text of Redshift statements into plans."""

from __future__ import annotations

import functools
import re
from dataclasses import replace

from sqlglot import exp

from . import create, grants, settings, spectrum, tree
from .dialect import Piece, parsed, pieces
from .plan import Context, Plan, Refused
from .refuse import refused_piece, refused_words
from .rewrite import Rewriting, rendered

_RAW = ("COMMENT", "CALL", "CLOSE", "DEALLOCATE")
IN_TURN = "SELECT pg_advisory_xact_lock(5439)"
_QUERIES = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "(")


@functools.lru_cache(maxsize=2048)
def _plans(text: str, context: Context) -> tuple[Plan, ...]:
    return tuple(plan(piece, context) for piece in pieces(text))


def plans(text: str, context: Context) -> list[Plan]:
    """The plans of the statements in a text; `Refused` where Redshift refuses one or the stand-in does not know it."""
    return list(_plans(text, context))


def plan(piece: Piece, context: Context) -> Plan:
    """The plan of one statement."""
    first, *rest = piece.words
    second = rest[0] if rest else ""
    if first in ("COPY", "UNLOAD"):
        from . import copy, unload

        return copy.plan(piece, context) if first == "COPY" else unload.plan(piece, context)
    if first in ("SET", "SHOW", "RESET"):
        return settings.settings(piece.text)
    if piece.words[:3] == ["CREATE", "EXTERNAL", "SCHEMA"]:
        return spectrum.schema(piece)
    plain = first in _QUERIES
    for reason in refused_words(piece) if plain else refused_piece(piece):
        raise Refused(reason)
    if first in ("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"):
        return _transaction(piece, first)
    if plain:
        found = parsed(piece.text, piece.tokens)
        for reason in tree.reasons(found):
            raise Refused(reason)
        return _query(piece.text, found, context)
    if first == "MERGE":
        from . import merge

        return merge.plan(piece, context)
    if grants.concerns(piece.words):
        return grants.plan(piece)
    if first in ("CREATE", "DROP", "ALTER", "TRUNCATE"):
        made = create.plan(piece, context)
        return made if second in ("TEMP", "TEMPORARY") else _in_turn(made)  # no view reads a session's own tables
    return _other(piece, context, first, second)


def _in_turn(made: Plan) -> Plan:
    """Late-binding views are made again after a change: two sessions that do it at once would read what the other drops."""
    return replace(made, before=(IN_TURN, *made.before)) if made.kind == "plain" else made


def query(text: str, context: Context) -> Plan:
    """The plan of a query within another statement."""
    found = pieces(text)
    if len(found) != 1 or found[0].words[0] not in _QUERIES:
        raise Refused("syntax error: one query was expected", "42601")
    return plan(found[0], context)


def _query(text: str, found: exp.Expression, context: Context) -> Plan:
    rewriting = Rewriting(context)
    _written(found, context)
    into = found.args.get("into") if isinstance(found, exp.Select) else None
    name = into.this.sql(dialect="postgres", identify=True).lower() if into else ""
    run = rendered(rewriting(found))
    after = (f"SELECT rs.settle('{name}')",) if into else ()
    return Plan(text, run, foreign=tuple(rewriting.foreign), after=after)


def _written(tree: exp.Expression, context: Context) -> None:
    """A table of another database cannot be written."""
    if not isinstance(tree, (exp.Insert, exp.Update, exp.Delete)):
        return
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if isinstance(target, exp.Table) and target.catalog and target.catalog.lower() != context.database:
        raise Refused("cross-database write is not supported: the other database can be read only")
    if isinstance(target, exp.Table):
        spectrum.refuse_writes(target.db, context.external)


def _transaction(piece: Piece, first: str) -> Plan:
    words = " ".join(piece.words)
    if first in ("BEGIN", "START"):
        tail = re.sub(r"^(BEGIN|START)( WORK| TRANSACTION)?", "", words)
        return Plan(piece.text, f"BEGIN{tail}", kind="begin")
    return Plan(piece.text, "COMMIT" if first in ("COMMIT", "END") else "ROLLBACK", kind="end")


def _other(piece: Piece, context: Context, first: str, second: str) -> Plan:
    """Statements that PostgreSQL takes as they are, or nearly."""
    text = piece.text
    if first in _RAW:
        return Plan(text, text)
    if first == "ANALYZE":
        return Plan(text, "ANALYZE" if second in ("", "COMPRESSION") else _lowered(text))
    if first == "VACUUM":
        return Plan(text, "VACUUM", kind="alone")
    if first == "LOCK":
        return Plan(text, text if second == "TABLE" else re.sub(r"^LOCK", "LOCK TABLE", text, flags=re.I))
    if first == "EXPLAIN":
        inner = query(re.sub(r"^EXPLAIN(\s+VERBOSE)?\s+", "", text, flags=re.I), context)
        return Plan(text, f"EXPLAIN {inner.run}", foreign=inner.foreign)
    if first == "DECLARE":
        head, inner_text = re.match(r"(.*?\bCURSOR\s+FOR\s+)(.*)", text, re.I | re.S).groups()  # type: ignore[union-attr]
        inner = query(inner_text, context)
        return Plan(text, head + inner.run, foreign=inner.foreign)
    if first == "FETCH":
        return Plan(text, text)
    if first == "REFRESH":
        return Plan(text, _lowered(text))
    raise Refused(f"the stand-in does not know the statement {text[:80]!r}", "42601")


def _lowered(text: str) -> str:
    return re.sub(r'"[^"]*"', lambda found: found[0].lower(), text)
