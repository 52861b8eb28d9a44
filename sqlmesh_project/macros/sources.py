"""Macros about staging: which sources there are, and which of their rows changed."""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def every_source(evaluator: MacroEvaluator, table: exp.Expression, *columns: exp.Expression) -> exp.Expression | None:
    """``SELECT <columns> FROM stg_<source>.<table>`` of every declared source, one below the other.

    The names of the sources are the variable `sources` of config.py.
    """
    union = None
    for source in evaluator.var("sources"):
        select = exp.select(*(column.copy() for column in columns)).from_(exp.table_(table.name, db=f"stg_{source}"))
        union = select if union is None else exp.union(union, select, distinct=False)
    return union


@macro()
def refined_since(evaluator: MacroEvaluator, column: exp.Expression) -> exp.Expression:
    """Whether a row's ``_refine_id`` (20 digits: unix time in nanoseconds) lies in the interval that is being built.

    SQLMesh's own record of what it has built is the watermark: a first build or a restatement starts at the beginning,
    a run at the first day that is not over. No upper bound: a row refined a moment ago must not wait.
    """
    start = int(evaluator.var("start_millis") or evaluator.locals.get("start_millis") or 0)
    return exp.GTE(this=column.copy(), expression=exp.Literal.string(f"{start * 10**6:020d}"))
