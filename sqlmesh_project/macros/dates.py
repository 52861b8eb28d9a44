"""Keys of calendar days."""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def date_key(evaluator: MacroEvaluator, moment: exp.Expression) -> exp.Expression:
    """The day of a date or a timestamp as the whole number yyyymmdd: the key of a `dim_date`."""
    year, month, day = (exp.Extract(this=exp.var(part), expression=moment.copy()) for part in ("YEAR", "MONTH", "DAY"))
    return exp.paren(year * 10_000 + month * 100 + day)


@macro()
def calendar_columns(evaluator: MacroEvaluator, day: exp.Expression) -> list[exp.Expression]:
    """What a `dim_date` says of a day besides its key: typed columns; weeks are ISO's and begin on Monday."""
    of_day = f"FROM {day.sql('redshift')})"
    columns = {
        "date_day": f"{day.sql('redshift')}::DATE",
        "day_of_week": f"((EXTRACT(DOW {of_day} + 6) % 7 + 1)::INTEGER",
        "day_of_month": f"EXTRACT(DAY {of_day}::INTEGER",
        "day_of_year": f"EXTRACT(DOY {of_day}::INTEGER",
        "week_of_year": f"EXTRACT(WEEK {of_day}::INTEGER",
        "month": f"EXTRACT(MONTH {of_day}::INTEGER",
        "quarter": f"EXTRACT(QUARTER {of_day}::INTEGER",
        "year": f"EXTRACT(YEAR {of_day}::INTEGER",
        "is_weekday": f"(EXTRACT(DOW {of_day} BETWEEN 1 AND 5)::BOOLEAN",
    }
    return [exp.alias_(parse_one(text, dialect="redshift"), name) for name, text in columns.items()]
