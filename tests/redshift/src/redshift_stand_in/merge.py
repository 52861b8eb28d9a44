"""MERGE as Redshift allows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from .create import full, named
from .dialect import Piece, parsed
from .plan import Context, Plan, Refused
from .rewrite import Rewriting, rendered

if TYPE_CHECKING:
    from .session import Session

_DUPLICATES = re.compile(r"\s+REMOVE\s+DUPLICATES\s*$", re.I)
_PROBE = " WHEN NOT MATCHED THEN INSERT VALUES (1)"


def plan(piece: Piece, context: Context) -> Plan:
    """The plan of a MERGE."""
    duplicates = bool(_DUPLICATES.search(piece.text))
    tree = parsed(_DUPLICATES.sub(_PROBE, piece.text))
    if not isinstance(tree, exp.Merge):
        raise Refused("syntax error in MERGE", "42601")
    target = tree.this
    if target.alias:
        raise Refused("MERGE: the target table cannot have an alias", "42601")
    parts = named(".".join(f'"{p.name}"' for p in target.parts), context)
    source = tree.args["using"]
    if not isinstance(source, exp.Table) and not isinstance(source, exp.Subquery):
        raise Refused("MERGE: the source must be a table, a view or a subquery", "0A000")
    whens = tree.args["whens"].expressions
    if not duplicates:
        _check(whens)
    rewriting = Rewriting(context)
    for when in whens:
        _set_bare(when)
    changed = rewriting(tree)
    changed.this.set("catalog", None)
    if duplicates:
        on, using = rendered(changed.args["on"]), rendered(changed.args["using"])
        return Plan(piece.text, work=_deduplicated(parts, using, on), foreign=tuple(rewriting.foreign))
    return Plan(piece.text, _values(rendered(changed)), foreign=tuple(rewriting.foreign))


def _check(whens: list[exp.When]) -> None:
    matched = [when for when in whens if when.args.get("matched")]
    missed = [when for when in whens if not when.args.get("matched")]
    if len(matched) != 1 or len(missed) != 1:
        raise Refused("MERGE needs exactly one WHEN MATCHED and one WHEN NOT MATCHED clause", "42601")
    for when in whens:
        if when.args.get("condition"):
            raise Refused("MERGE: conditions in WHEN clauses are not supported", "42601")
        if when.args.get("source"):
            raise Refused("MERGE: WHEN NOT MATCHED BY SOURCE is not supported", "42601")
    if not isinstance(missed[0].args["then"], exp.Insert):
        raise Refused("MERGE: WHEN NOT MATCHED allows INSERT only", "42601")
    if isinstance(matched[0].args["then"], exp.Insert):
        raise Refused("MERGE: WHEN MATCHED allows UPDATE or DELETE only", "42601")


def _set_bare(when: exp.When) -> None:
    """PostgreSQL wants the names of columns that are set bare."""
    then = when.args["then"]
    if isinstance(then, exp.Update):
        for assignment in then.expressions:
            if isinstance(assignment.this, exp.Column):
                assignment.set("this", exp.column(assignment.this.this))


def _values(text: str) -> str:
    return re.sub(r"INSERT \(VALUES\s?\((.*)\)\)$", r"INSERT VALUES (\1)", text, flags=re.S | re.I)


def _deduplicated(parts: list[str], using: str, on: str):
    """REMOVE DUPLICATES: matched rows are replaced by the source's, once each; the rest is appended."""
    name = full(parts)

    def work(session: Session) -> str:
        session.internal(f"CREATE TEMP TABLE rs_merge AS SELECT DISTINCT * FROM {using}")
        session.internal(f"DELETE FROM {name} USING {using} WHERE {on}")
        session.internal(f"INSERT INTO {name} SELECT * FROM rs_merge")
        session.internal("DROP TABLE rs_merge")
        return "MERGE"

    return work
