"""Redshift's functions in PostgreSQL's words, or in those of the schema ``rs`` that the stand-in installs."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from . import words
from .plan import Refused

_PARTS_FIRST = ("dateadd", "date_add", "datediff", "date_diff", "date_part")


def _ours(name: str, *arguments: Any) -> exp.Anonymous:
    return exp.Anonymous(this=f"rs.{name}", expressions=list(arguments))


def _call(name: str, *arguments: Any) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def function(_: Any, node: exp.Anonymous) -> exp.Expression:
    """A call, by its name."""
    name, arguments = str(node.this).lower(), node.expressions
    if "." in name or isinstance(node.parent, exp.Dot):
        return node
    if name == "values" and node.find_ancestor(exp.Merge):
        return node
    if name in words.UNSUPPORTED:
        raise Refused(f"function {name} is not supported by Redshift", "0A000")
    if name in _PARTS_FIRST:
        part = exp.Literal.string(arguments[0].name)
        return _ours(words.OURS[name], part, *arguments[1:])
    if name in BY_HAND:
        return BY_HAND[name](node, arguments)
    if name == "json_extract_path_text":
        arguments = [exp.Literal.string(str(a.this).lower()) if isinstance(a, exp.Boolean) else a for a in arguments]
    if name in words.OURS:
        return _ours(words.OURS[name], *arguments)
    if name in words.RENAMED:
        return _call(words.RENAMED[name], *arguments)
    if name in words.SAME or name == "generate_series":
        return node
    if name in words.UNKNOWN_HERE:
        raise Refused(f"the stand-in does not know the function {name}")
    raise Refused(f"function {name}() does not exist (or the stand-in does not know it)", "42883")


def _decode(_: exp.Anonymous, arguments: list[Any]) -> exp.Expression:
    """DECODE takes two NULLs for equal."""
    value, *rest = arguments
    case = exp.Case()
    while len(rest) >= 2:
        test = exp.NullSafeEQ(this=value.copy(), expression=rest.pop(0))
        case = case.when(test, rest.pop(0), copy=False)
    return case.else_(rest[0], copy=False) if rest else case


def _listagg(node: exp.Anonymous, arguments: list[Any]) -> exp.Expression:
    """LISTAGG ... WITHIN GROUP is STRING_AGG with its own order."""
    distinct = isinstance(arguments[0], exp.Distinct)
    value, *rest = arguments[0].expressions if distinct else arguments
    delimiter = rest[0] if rest else exp.Literal.string("")
    text: exp.Expression = exp.Distinct(expressions=[_text(value)]) if distinct else _text(value)
    return _call("string_agg", text, delimiter)


def _text(value: exp.Expression) -> exp.Expression:
    return exp.Cast(this=value, to=exp.DataType(this=exp.DataType.Type.TEXT))


def within(_: Any, node: exp.WithinGroup) -> exp.Expression:
    """The order of a LISTAGG goes into its arguments."""
    call = node.this
    if not (isinstance(call, exp.Anonymous) and str(call.this) == "string_agg"):
        return node
    if isinstance(node.parent, exp.Window):
        raise Refused("the stand-in does not know LISTAGG as a window function")
    order = node.expression
    for ordered in order.find_all(exp.Ordered):
        if isinstance(call.expressions[0], exp.Distinct):
            ordered.set("this", _text(ordered.this))
    call.set("expressions", [call.expressions[0], exp.Order(this=call.expressions[1], expressions=order.expressions)])
    return call


def _median(node: exp.Anonymous, arguments: list[Any]) -> exp.Expression:
    if isinstance(node.parent, exp.Window):
        raise Refused("the stand-in does not know MEDIAN as a window function")
    order = exp.Order(expressions=[exp.Ordered(this=arguments[0], nulls_first=False)])
    return exp.WithinGroup(this=_call("percentile_cont", exp.Literal.number("0.5")), expression=order)


def window(_: Any, node: exp.Window) -> exp.Expression:
    """RATIO_TO_REPORT is a quotient of windows."""
    call = node.this
    if isinstance(call, (exp.IgnoreNulls, exp.RespectNulls)):
        if isinstance(call, exp.IgnoreNulls):
            raise Refused("the stand-in does not know IGNORE NULLS")
        node.set("this", call.this)
    if isinstance(call, exp.Anonymous) and str(call.this) == "ratio_to_report":
        value = call.expressions[0]
        total = node.copy()
        total.set("this", _call("sum", value.copy()))
        divisor = _call("nullif", exp.Cast(this=total, to=exp.DataType.build("double")), exp.Literal.number(0))
        return exp.Paren(this=exp.Div(this=exp.Cast(this=value, to=exp.DataType.build("double")), expression=divisor))
    return node


def _concat(_: exp.Anonymous, arguments: list[Any]) -> exp.Expression:
    """CONCAT of a NULL is NULL, and takes two arguments."""
    if len(arguments) != 2:
        raise Refused("function concat takes two arguments in Redshift", "42883")
    return exp.Paren(this=exp.DPipe(this=_text(arguments[0]), expression=_text(arguments[1])))


def _nvl2(_: exp.Anonymous, arguments: list[Any]) -> exp.Expression:
    is_null = exp.Is(this=arguments[0], expression=exp.Null())
    return exp.Case().when(is_null, arguments[2], copy=False).else_(arguments[1], copy=False)


def _sha1(_: exp.Anonymous, arguments: list[Any]) -> exp.Expression:
    raise Refused("the stand-in does not know the function sha1")


def extract(_: Any, node: exp.Extract) -> exp.Expression:
    """EXTRACT gives an integer."""
    return _ours("extract", exp.Literal.string(node.this.name), node.expression)


def now(_: Any, node: exp.CurrentTimestamp) -> exp.Expression:
    """SYSDATE; CURRENT_TIMESTAMP is PostgreSQL's own."""
    return _ours("sysdate") if node.args.get("sysdate") else node


BY_HAND = {
    "decode": _decode,
    "listagg": _listagg,
    "median": _median,
    "concat": _concat,
    "nvl2": _nvl2,
    "isnull": lambda _, a: _call("coalesce", *a),
    "sha": _sha1,
    "sha1": _sha1,
    "func_sha1": _sha1,
    "ratio_to_report": lambda n, _: n,
    "date": lambda _, a: exp.Cast(this=a[0], to=exp.DataType.build("date")),
    "timestamp": lambda _, a: exp.Cast(this=a[0], to=exp.DataType.build("timestamp")),
    "current_user_id": lambda n, _: _ours("current_user_id"),
}
HANDLERS = {
    exp.Anonymous: function,
    exp.WithinGroup: within,
    exp.Window: window,
    exp.Extract: extract,
    exp.CurrentTimestamp: now,
}
