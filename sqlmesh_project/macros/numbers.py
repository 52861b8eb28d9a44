"""Numbers that come out the same on every engine."""

from __future__ import annotations

import typing as t

from sqlglot import exp
from sqlmesh import macro


@macro()
def half_up(evaluator: t.Any, average: exp.Expression) -> exp.Expression:
    """An average that is cast to four decimal places next: an exact half goes up.

    As a double such a half is a little more or a little less, and engines differ in what they make of it. A billionth is
    less than half the distance to the next average of up to 50,000 cents or half grades.
    """
    return exp.paren(exp.Add(this=average, expression=exp.Literal.number("0.000000001")))
