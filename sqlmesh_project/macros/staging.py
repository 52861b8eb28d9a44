"""Macros about staging: which rows changed, and what a version of a row is."""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def refined_since(evaluator: MacroEvaluator, column: exp.Expression) -> exp.Expression:
    """Whether a row's ``_refine_id`` (20 digits: unix time in nanoseconds) lies in the interval that is being built.

    SQLMesh's own record of what it has built is the watermark: a first build or a restatement starts at the beginning,
    a run at the first day that is not over. No upper bound: a row refined a moment ago must not wait.
    """
    start = int(evaluator.var("start_millis") or evaluator.locals.get("start_millis") or 0)
    return exp.GTE(this=column.copy(), expression=exp.Literal.string(f"{start * 10**6:020d}"))


@macro()
def state_of(evaluator: MacroEvaluator, *columns: exp.Expression) -> exp.Expression:
    """What a row says in the given columns, as one text: two rows with the same state need no version each.

    Redshift casts no boolean to text, and cuts at 256 bytes where the text has no length.
    """
    parts: list[exp.Expression] = []
    for column in columns:
        text = exp.cast(column.copy(), "VARCHAR(1000)")
        parts += [exp.func("COALESCE", text, exp.Literal.string("\x1e")), exp.Literal.string("\x1f")]
    joined = parts[0]
    for part in parts[1:]:
        joined = exp.DPipe(this=joined, expression=part, safe=True)
    return joined
