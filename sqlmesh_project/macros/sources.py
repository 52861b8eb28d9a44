"""Macros that know the declared sources, so that adding one needs no edit of a model."""

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
