"""Macros about staging: which rows changed, and what a version of a row is."""

from sqlglot import exp, parse_one
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


@macro()
def versions(
    evaluator: MacroEvaluator,
    history: exp.Expression,
    key: exp.Expression,
    moment: exp.Expression,
    order: exp.Expression,
    *tracked: exp.Expression,
) -> exp.Expression:
    """The versions of each key (SCD2), as a query in brackets: the rows of a history that say something else than the row
    before them, with ``valid_from`` and ``valid_to``; `valid_to` is NULL where no other version follows.

    Args:
        history: the table or the query by name, with all that was ever said of each key.
        key: the column that says whose version it is.
        moment: the column with the time at which a version begins.
        order: what puts the rows of a key in order, in brackets where it is several expressions.
        tracked: the expressions whose change begins a version. Other columns come along as the version's first row says them.
    """
    table = exp.to_table(history.sql("redshift"), dialect="redshift")
    ordered = order.expressions if isinstance(order, exp.Tuple) else [order]

    def neighbour(function: str, value: str) -> str:
        by = ", ".join(each.sql("redshift") for each in ordered)
        return f"{function}({value}) OVER (PARTITION BY {key.sql('redshift')} ORDER BY {by})"

    state = state_of(evaluator, *tracked).sql("redshift")
    begins = moment.sql("redshift")
    return parse_one(
        f"(SELECT c.*, {begins} AS valid_from, {neighbour('LEAD', begins)} AS valid_to"
        f" FROM (SELECT r.*, {neighbour('LAG', 'r.state')} AS state_before"
        f" FROM (SELECT h.*, {state} AS state FROM {table.sql('redshift')} AS h) AS r) AS c"
        " WHERE c.state_before IS NULL OR c.state_before <> c.state)",
        dialect="redshift",
    )
