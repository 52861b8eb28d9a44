"""What Redshift refuses, as far as it takes a statement's tree to see it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from . import words


def reasons(tree: exp.Expression) -> Iterator[str]:
    """Why Redshift refuses it."""
    for check in (_identifiers, _calls, _windows, _selects, _recursion, _columns):
        yield from check(tree)
    if isinstance(tree, exp.Insert) and tree.args.get("with_"):
        yield "a WITH before INSERT is not supported: it goes behind INSERT INTO"


def _name(call: exp.Expression | None) -> str:
    return str(call.this).lower() if isinstance(call, exp.Anonymous) else ""


def _identifiers(tree: exp.Expression) -> Iterator[str]:
    for node in tree.find_all(exp.Identifier):
        if len(node.name.encode()) > 127:
            yield f"the name {node.name[:20]}... is longer than 127 bytes"
        label = isinstance(node.parent, exp.Alias) and node.arg_key == "alias"
        holder = node.parent
        label = label or (isinstance(holder, exp.Column) and holder.table and node.arg_key == "this")
        label = label or (isinstance(holder, exp.Table) and holder.db and node.arg_key == "this")
        if not node.quoted and node.name.lower() in words.RESERVED and not label and not _part(node):
            yield f'"{node.name}" is a reserved word: it must be quoted'


def _part(node: exp.Identifier) -> bool:
    """Words that are not names: a date part, CURRENT_DATE's kin, a function's name."""
    call = node.find_ancestor(exp.Anonymous)
    return bool(call and _name(call) in ("dateadd", "datediff", "date_part", "date_add", "date_diff"))


def _calls(tree: exp.Expression) -> Iterator[str]:
    known = words.SAME | set(words.RENAMED) | set(words.OURS) | words.BY_HAND | words.UNKNOWN_HERE
    for call in tree.find_all(exp.Anonymous):
        name = _name(call)
        if isinstance(call.parent, exp.Dot) or "." in name:
            continue
        if name in words.UNSUPPORTED:
            yield f"function {name} is not supported"
        elif name == "generate_series":
            if not isinstance(tree, exp.Query) or any(
                t.db or isinstance(t.this, exp.Identifier) for t in tree.find_all(exp.Table)
            ):
                yield "generate_series runs on the leader node only: not with tables"
        elif name == "values" and isinstance(tree, exp.Merge):
            continue
        elif name not in known:
            yield f"function {name} is not one of Redshift's"
        several = any(isinstance(e, exp.Distinct) and len(e.expressions) > 1 for e in call.expressions)
        if name == "count" and (several or len(call.expressions) > 1):
            yield "COUNT(DISTINCT ...) takes one argument"


def _windows(tree: exp.Expression) -> Iterator[str]:
    for window in tree.find_all(exp.Window):
        spec = window.args.get("spec")
        call = window.this.this if isinstance(window.this, (exp.IgnoreNulls, exp.RespectNulls)) else window.this
        if _name(call) in words.AGGREGATES and window.args.get("order") and not spec:
            yield "Aggregate window functions with an ORDER BY clause require a frame clause"
        if spec and str(spec.args.get("kind", "")).upper() in ("RANGE", "GROUPS"):
            yield "frames are of ROWS only"
        if window.args.get("alias"):
            yield "names of windows (WINDOW w AS ...) are not supported"


def _ends_bare(select: exp.Select) -> bool:
    """Whether what stands directly before its QUALIFY is a relation without an alias."""
    joins = select.args.get("joins") or []
    if any(select.args.get(clause) for clause in ("where", "group", "having")):
        return False
    if joins and (joins[-1].args.get("on") or joins[-1].args.get("using")):
        return False
    source = joins[-1] if joins else select.args.get("from_")
    return source is not None and not source.this.alias


def _selects(tree: exp.Expression) -> Iterator[str]:
    for select in tree.find_all(exp.Select):
        if select.args.get("windows"):
            yield "names of windows (WINDOW w AS ...) are not supported"
        if select.args.get("qualify") and _ends_bare(select):
            yield "the relation before QUALIFY needs an alias"  # docs.aws.amazon.com/redshift/latest/dg/r_QUALIFY_clause.html
        mine = [c for c in select.find_all(exp.Anonymous) if c.find_ancestor(exp.Select) is select]
        mine = [c for c in mine if not isinstance(c.find_ancestor(exp.Window, exp.Select), exp.Window)]
        ordered = [c for c in mine if _name(c) in words.ORDERED_AGGREGATES]
        distinct = [c for c in mine if any(isinstance(e, exp.Distinct) for e in c.expressions) and c not in ordered]
        if ordered and distinct:
            yield "LISTAGG, PERCENTILE_CONT and MEDIAN with another DISTINCT aggregate are not supported"
        if len({_order(c) for c in ordered}) > 1:
            yield "within group ORDER BY clauses for aggregate functions must be the same"
    for values in tree.find_all(exp.Values):
        if not isinstance(values.parent, exp.Insert):
            yield "VALUES as a table is not supported"
    for array in tree.find_all(exp.Array):
        if array.args.get("bracket_notation") or array.expressions:
            yield "arrays are not supported"


def _order(call: exp.Expression) -> str:
    if _name(call) == "median":
        return str(exp.Order(expressions=[exp.Ordered(this=call.expressions[0].copy())]).sql()).lower()
    group = call.parent
    return str(group.expression.sql()).lower() if isinstance(group, exp.WithinGroup) else ""


def _recursion(tree: exp.Expression) -> Iterator[str]:
    for with_ in tree.find_all(exp.With):
        if not with_.args.get("recursive"):
            continue
        for cte in with_.expressions:
            own = [t for t in cte.this.find_all(exp.Table) if t.name.lower() == cte.alias.lower() and not t.db]
            if not own:
                continue
            if not cte.args["alias"].columns:
                yield f"the recursive query {cte.alias} needs a list of its columns"
            if isinstance(cte.this, exp.Union) and cte.this.args.get("distinct"):
                yield "recursive queries allow UNION ALL only"


def _columns(tree: exp.Expression) -> Iterator[str]:
    schema = tree.this if isinstance(tree, exp.Create) else None
    if isinstance(schema, exp.Schema) and len(schema.expressions) > 1600:
        yield "tables can have at most 1600 columns"
    for select in tree.find_all(exp.Select):
        if len(select.expressions) > 1600:
            yield "target lists can have at most 1600 entries"
