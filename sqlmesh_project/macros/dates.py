"""Keys of calendar days."""

from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def date_key(evaluator: MacroEvaluator, moment: exp.Expression) -> exp.Expression:
    """The day of a date or a timestamp as the whole number yyyymmdd: the key of a `dim_date`."""
    year, month, day = (exp.Extract(this=exp.var(part), expression=moment.copy()) for part in ("YEAR", "MONTH", "DAY"))
    return exp.paren(year * 10_000 + month * 100 + day)
