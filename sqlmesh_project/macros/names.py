"""Words of names."""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def is_name(evaluator: MacroEvaluator, word: exp.Expression) -> exp.Expression:
    """Whether a word may be part of a company's name: written as a name, not as a model's (Audio; not HE, NX7, x).

    It begins with a capital letter, has a small one and no digit.
    """
    text = word.sql("redshift")
    return exp.paren(
        parse_one(
            f"LEFT({text}, 1) <> LOWER(LEFT({text}, 1)) AND {text} <> UPPER({text})"
            f" AND TRANSLATE({text}, '0123456789', '') = {text}",
            dialect="redshift",
        )
    )
