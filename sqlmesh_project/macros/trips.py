"""What a taxi cannot have done."""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

FARTHEST = 300
"""Miles. Boston and Washington are 230 miles by road, the farthest fares that are known to be real; a meter that counts
more was not reset, or slipped a decimal place."""
FASTEST = 100
"""Miles per hour on average. The highest limit on the roads around New York is 65."""
NEAREST = 1
"""Miles. A shorter trip has no speed worth judging: a cancelled ride lasts a few seconds."""
LONGEST = 10
"""Hours. A driver may carry passengers for ten hours out of 24 (TLC rules, 80-14): a longer trip is a meter left on."""


@macro()
def is_implausible(
    evaluator: MacroEvaluator, miles: exp.Expression, pickup: exp.Expression, dropoff: exp.Expression
) -> exp.Expression:
    """Whether no taxi can have driven so far, so fast or for so long.

    A dropoff before its pickup has no speed: the night the clocks go back has such trips.
    """
    seconds = f"DATEDIFF(SECOND, {pickup.sql('redshift')}, {dropoff.sql('redshift')})"
    distance = miles.sql("redshift")
    return exp.paren(
        parse_one(
            f"{distance} > {FARTHEST} OR {seconds} > {LONGEST * 3600}"
            f" OR ({distance} > {NEAREST} AND {seconds} >= 0 AND {distance} * 3600 > {FASTEST} * {seconds})",
            dialect="redshift",
        )
    )
