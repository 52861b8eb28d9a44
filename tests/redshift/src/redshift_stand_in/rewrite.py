"""Redshift's tree of a query into PostgreSQL's."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ErrorLevel, UnsupportedError

from .foreign import local
from .plan import Context, Refused
from .spectrum import EXTERNAL

T = exp.DataType.Type
LONGEST, USUAL = 65535, 256
TEXTS = (T.VARCHAR, T.NVARCHAR, T.TEXT, T.CHAR, T.NCHAR, T.BPCHAR)
REPLACED = {"pg_views": "pg_views", "pg_tables": "pg_tables", "pg_constraint": "pg_constraint"}

KNOWN = ("columns", "tables")
"""Of information_schema what says less there: nothing of late-binding views' columns and of what lies in the lake."""


class Rewriting:
    """One statement's rewriting; `foreign` are the tables of other databases that it reads."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.foreign: list[tuple[str, str, str]] = []

    def __call__(self, tree: exp.Expression) -> exp.Expression:
        """The tree in PostgreSQL's words; the given one is used up."""
        holder = exp.Paren(this=tree)
        for node in reversed(list(tree.walk(bfs=True))):
            new = self._node(node)
            if new is not None and new is not node:
                node.replace(new)
        return holder.this

    def _node(self, node: exp.Expression) -> exp.Expression | None:
        if isinstance(node, exp.Identifier):
            if not (self.context.case_sensitive and node.quoted):
                node.set("this", node.name.lower())
            node.set("quoted", True)
            return node
        if isinstance(node, exp.DataType):
            return datatype(node)
        for kind, handler in HANDLERS.items():
            if isinstance(node, kind):
                return handler(self, node)
        return node

    def table(self, node: exp.Table) -> exp.Expression:
        """A table's name: the own database's is dropped, another's leads to where it appears here."""
        if isinstance(node.this, exp.Anonymous) or not isinstance(node.this, exp.Identifier):
            return node
        if node.catalog:
            if node.catalog.lower() not in self.context.databases:
                raise Refused(f'database "{node.catalog}" does not exist', "3D000")
            if node.catalog != self.context.database:
                self.foreign.append((node.catalog, node.db, node.name))
                if not node.alias:
                    node.set("alias", exp.TableAlias(this=exp.to_identifier(node.name, quoted=True)))
                node.set("db", exp.to_identifier(local(node.catalog, node.db), quoted=True))
            node.set("catalog", None)
        elif node.db in self.context.external:
            self.foreign.append((EXTERNAL, node.db, node.name))
        if node.name in REPLACED and node.db in ("", "pg_catalog"):
            if not node.alias:
                node.set("alias", exp.TableAlias(this=exp.to_identifier(node.name, quoted=True)))
            node.set("db", exp.to_identifier("rs", quoted=True))
        if node.db == "information_schema" and node.name in KNOWN:
            if not node.alias:
                node.set("alias", exp.TableAlias(this=exp.to_identifier(node.name, quoted=True)))
            node.set("this", exp.to_identifier(f"{node.name}_known", quoted=True))
            node.set("db", exp.to_identifier("rs", quoted=True))
        return node

    def column(self, node: exp.Column) -> exp.Expression:
        """``database.schema.table.column`` is ``table.column`` here."""
        if node.catalog:
            if node.catalog != self.context.database:
                node.set("db", None)
            node.set("catalog", None)
        return node

    def cast(self, node: exp.Cast) -> exp.Expression:
        """A cast to text cuts at bytes."""
        to = node.to
        if to.this not in TEXTS:
            return node
        length = to.expressions[0].name if to.expressions else str(USUAL)
        if isinstance(node.this, exp.Null):
            return node
        node.set("this", exp.Anonymous(this="rs.bytes", expressions=[_known(node.this), exp.Literal.number(length)]))
        return node

    def bracket(self, node: exp.Bracket) -> exp.Expression:
        """Redshift navigates SUPER so."""
        raise Refused("the stand-in does not know navigation in SUPER ([...])")

    def pivot(self, node: exp.Expression) -> exp.Expression:
        """Redshift has it."""
        raise Refused("the stand-in does not know PIVOT and UNPIVOT")

    def unnest(self, node: exp.Unnest) -> exp.Expression:
        """``FROM t, t.b`` goes through a SUPER in Redshift."""
        raise Refused("the stand-in does not know unnesting of SUPER (FROM t, t.column)")

    def qualify(self, node: exp.Select) -> exp.Expression:
        """``SELECT *`` with QUALIFY must not show the window's column."""
        if not node.args.get("qualify") or not any(isinstance(e, exp.Star) for e in node.expressions):
            return node
        if len(node.expressions) > 1 or node.args.get("joins"):
            raise Refused("the stand-in does not know QUALIFY with * among other columns or tables")
        condition = node.args["qualify"].this.copy()
        node.set("qualify", None)
        for column in condition.find_all(exp.Column):
            column.set("table", None)
            column.set("db", None)
        order, limit = node.args.get("order"), node.args.get("limit")
        node.set("order", None)
        node.set("limit", None)
        inner = exp.select("_s AS _r").select(exp.alias_(condition, "_w")).from_(node.copy().subquery("_s"))
        outer = exp.Select(expressions=[exp.Var(this="(_q._r).*")]).from_(inner.subquery("_q")).where("_w")
        if order or limit:
            outer = exp.select("*").from_(outer.subquery("_o"))
            outer.set("order", order)
            outer.set("limit", limit)
        return outer


def _known(value: exp.Expression) -> exp.Expression:
    """A literal without a type does not choose among functions: it is text."""
    if isinstance(value, (exp.Literal, exp.Parameter, exp.Placeholder)) and (
        not isinstance(value, exp.Literal) or value.is_string
    ):
        return exp.Cast(this=value, to=exp.DataType(this=T.TEXT))
    return value


def datatype(node: exp.DataType, column: bool = False) -> exp.DataType:
    """PostgreSQL's type for Redshift's."""
    kind, args = node.this, node.expressions
    if kind in (T.VARCHAR, T.NVARCHAR, T.TEXT):
        number = args[0].name.upper() if args else str(USUAL)
        length = LONGEST if number == "MAX" else int(number)
        return exp.DataType(this=T.VARCHAR, expressions=[exp.DataTypeParam(this=exp.Literal.number(length))])
    if kind in (T.CHAR, T.NCHAR, T.BPCHAR):
        length = int(args[0].name) if args else (USUAL if kind == T.BPCHAR else 1)
        return exp.DataType(this=T.CHAR, expressions=[exp.DataTypeParam(this=exp.Literal.number(length))])
    if kind == T.DECIMAL and not args:
        return exp.DataType.build("DECIMAL(18, 0)", dialect="postgres")
    if kind == T.SUPER:
        return exp.DataType(this=T.JSONB)
    if kind in (T.DOUBLE,):
        return exp.DataType(this=T.DOUBLE)
    if kind in (T.HLLSKETCH, T.GEOMETRY, T.GEOGRAPHY):
        raise Refused(f"the stand-in does not know the type {kind.value}")
    return node


def rendered(tree: exp.Expression) -> str:
    """A tree in PostgreSQL's words."""
    try:
        return Postgres().generate(
            tree,
            identify=True,
            normalize_functions=False,
            comments=False,
            copy=False,
            unsupported_level=ErrorLevel.RAISE,
        )
    except UnsupportedError as error:
        raise Refused(f"the stand-in does not know how to say this: {error}") from error


from . import functions as _functions  # noqa: E402

HANDLERS = {
    exp.Table: Rewriting.table,
    exp.Column: Rewriting.column,
    exp.Cast: Rewriting.cast,
    exp.Select: Rewriting.qualify,
    exp.Bracket: Rewriting.bracket,
    exp.Pivot: Rewriting.pivot,
    exp.Unnest: Rewriting.unnest,
    **_functions.HANDLERS,
}
