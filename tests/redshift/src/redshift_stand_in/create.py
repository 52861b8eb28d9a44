"""Tables and views: CREATE, ALTER, DROP and TRUNCATE with Redshift's meaning."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from . import attributes
from .dialect import Piece, parsed
from .plan import Context, Plan, Refused
from .rewrite import Rewriting, rendered

if TYPE_CHECKING:
    from .session import Session

_BINDING = re.compile(r"\s+WITH\s+NO\s+SCHEMA\s+BINDING\s*$", re.I)
_NAME = r'(?:"[^"]+"|[\w$#]+)(?:\s*\.\s*(?:"[^"]+"|[\w$#]+)){0,2}'
_PASSED = ("SCHEMA", "USER", "GROUP", "ROLE", "FUNCTION", "PROCEDURE")


def quoted(text: str) -> str:
    """A literal."""
    return "'" + text.replace("'", "''") + "'"


def named(text: str, context: Context) -> list[str]:
    """The parts of a name, in small letters; the own database's name is dropped, another's refused."""
    parts = [part.strip().strip('"').lower() for part in re.findall(r'"[^"]+"|[^.\s]+', text)]
    if len(parts) == 3:
        if parts[0] != context.database:
            raise Refused("cross-database write is not supported: the other database can be read only")
        parts = parts[1:]
    return parts


def full(parts: list[str]) -> str:
    """A name for PostgreSQL."""
    return ".".join(f'"{part}"' for part in parts)


def plan(piece: Piece, context: Context) -> Plan:
    """The plan of a CREATE, ALTER, DROP or TRUNCATE."""
    words = [w for w in piece.words if w not in ("OR", "REPLACE", "TEMP", "TEMPORARY", "LOCAL", "MATERIALIZED")]
    first, what = words[0], words[1] if len(words) > 1 else ""
    if first == "TRUNCATE":
        name = full(named(re.sub(r"^TRUNCATE(\s+TABLE)?\s+", "", piece.text, flags=re.I), context))
        return Plan(piece.text, f"TRUNCATE TABLE {name}", after=(_committed,))
    if what == "TABLE":
        return {"CREATE": _table, "ALTER": _alter, "DROP": _drop}[first](piece, context)
    if what == "VIEW":
        return _drop(piece, context) if first == "DROP" else _view(piece, context)
    if what == "DATABASE":
        tail = " TEMPLATE template_rs" if first == "CREATE" else ""
        return Plan(piece.text, _lowered(piece.text) + tail, kind="alone")
    if what == "SCHEMA" and first == "DROP":
        return _drop_schema(piece)
    if what in _PASSED:
        return Plan(piece.text, _lowered(piece.text))
    raise Refused(f"the stand-in does not know the statement {piece.text[:80]!r}", "42601")


def _committed(session: Session) -> None:
    """TRUNCATE commits the transaction that it is in."""
    if session.status == b"T":
        session.internal("COMMIT")


def _lowered(text: str) -> str:
    return re.sub(r'"[^"]*"', lambda found: found[0].lower(), text)


def _table(piece: Piece, context: Context) -> Plan:
    """CREATE TABLE: keys and constraints are noted, not enforced."""
    text, found = attributes.split(piece)
    tree = parsed(text)
    if not isinstance(tree, exp.Create):
        raise Refused(f"the stand-in does not know the statement {piece.text[:80]!r}", "42601")
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    parts = named(".".join(f'"{p.name}"' for p in target.parts), context)
    informed: list[str] = []
    if isinstance(tree.this, exp.Schema):
        informed = _constraints(tree.this)
    rewriting = Rewriting(context)
    run = rendered(rewriting(tree))
    name = quoted(full(parts))
    after = [f"SELECT rs.settle({name})"]
    if found.any:
        after.append(_declared(name, found))
    after += [f"SELECT rs.inform({name}, {one})" for one in informed]
    after.append(f"SELECT rs.rebind({quoted(parts[-1])})")
    return Plan(piece.text, run, after=tuple(after), foreign=tuple(rewriting.foreign), tag=_tag(tree))


def _tag(tree: exp.Create) -> str:
    return "CREATE TABLE" if not tree.expression else ""


def _declared(name: str, found: attributes.Attributes) -> str:
    style = quoted(found.diststyle) if found.diststyle else "NULL"
    key = quoted(found.distkeys[0]) if found.distkeys else "NULL"
    sort = f"ARRAY[{', '.join(quoted(n) for n in found.sortkey)}]" if found.sortkey else "NULL"
    return f"SELECT rs.declare({name}, {style}, {key}, {sort}, {found.compound})"


def _constraints(schema: exp.Schema) -> list[str]:
    """Take PRIMARY KEY, UNIQUE and FOREIGN KEY out: they inform. Each as the arguments of rs.inform."""
    found, keys = [], []
    for column in [c for c in schema.expressions if isinstance(c, exp.ColumnDef)]:
        for constraint in list(column.constraints):
            kind = constraint.kind
            if isinstance(kind, exp.PrimaryKeyColumnConstraint):
                keys.append([column.name.lower()])
            if isinstance(kind, exp.UniqueColumnConstraint):
                found.append(f"'u', NULL, {quoted(f'UNIQUE ({column.name.lower()})')}")
            if isinstance(kind, (exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint, exp.Reference)):
                constraint.pop()
    for item in list(schema.expressions):
        inner, name = item, "NULL"
        if isinstance(item, exp.Constraint):
            inner, name = item.expressions[0], quoted(item.name.lower())
        if isinstance(inner, exp.PrimaryKey):
            keys.append([c.name.lower() for c in inner.expressions])
        elif isinstance(inner, (exp.ForeignKey, exp.UniqueColumnConstraint)):
            kind = "f" if isinstance(inner, exp.ForeignKey) else "u"
            found.append(f"'{kind}', {name}, {quoted(inner.sql(dialect='redshift').lower())}")
        elif isinstance(inner, exp.CheckColumnConstraint):
            raise Refused("CHECK constraints are not supported")
        else:
            continue
        item.pop()
    if len(keys) > 1:
        raise Refused("multiple primary keys for a table are not allowed", "42P16")
    for names in keys:
        _require(schema, names)
        found.append(f"'p', NULL, {quoted('PRIMARY KEY (' + ', '.join(names) + ')')}")
    return found


def _require(schema: exp.Schema, names: list[str]) -> None:
    """The columns of a primary key hold no NULL."""
    for column in [c for c in schema.expressions if isinstance(c, exp.ColumnDef)]:
        has = any(isinstance(c.kind, exp.NotNullColumnConstraint) for c in column.constraints)
        if column.name.lower() in names and not has:
            column.append("constraints", exp.ColumnConstraint(kind=exp.NotNullColumnConstraint()))


def _view(piece: Piece, context: Context) -> Plan:
    """CREATE VIEW; one WITH NO SCHEMA BINDING follows the names in its text, not the tables they once meant."""
    if piece.words[0] == "ALTER":
        raise Refused(f"the stand-in does not know the statement {piece.text[:80]!r}", "42601")
    late = bool(_BINDING.search(piece.text))
    tree = parsed(_BINDING.sub("", piece.text))
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    parts = named(".".join(f'"{p.name}"' for p in target.parts), context)
    rewriting = Rewriting(context)
    if not late:
        run = rendered(rewriting(tree))
        if rewriting.foreign:
            raise Refused("External tables are not supported in views: use WITH NO SCHEMA BINDING")
        forget = f"DELETE FROM rs.late WHERE rel = {quoted(parts[-1])}" + (
            f" AND nsp = {quoted(parts[0])}" if len(parts) == 2 else ""
        )
        after = f"SELECT rs.rebind({quoted(parts[-1])})"
        return Plan(piece.text, run, before=(forget,), after=(after,))
    body = tree.expression
    ctes = {cte.alias.lower() for cte in body.find_all(exp.CTE)}
    for table in body.find_all(exp.Table):
        if not table.db and table.name.lower() not in ctes:
            raise Refused(
                f"All the relation names inside should be qualified when creating VIEW {target.name} "
                "WITH NO SCHEMA BINDING"
            )
    if isinstance(tree.this, exp.Schema):
        names = [column.name for column in tree.this.expressions]
        body = exp.select("*").from_(
            body.subquery(exp.TableAlias(this="_v", columns=[exp.to_identifier(n) for n in names]))
        )
    text = rendered(rewriting(body))
    schema, name = parts if len(parts) == 2 else ("public", parts[0])
    replace = "true" if tree.args.get("replace") else "false"
    call = f"SELECT rs.late_view({quoted(schema)}, {quoted(name)}, {quoted(text)}, {quoted(piece.text)}, {replace})"

    def work(session: Session) -> str:
        session.internal(call)
        return "CREATE VIEW"

    return Plan(piece.text, work=work, foreign=tuple(rewriting.foreign))


def _drop(piece: Piece, context: Context) -> Plan:
    """DROP TABLE or VIEW: late-binding views above stay."""
    found = re.fullmatch(
        rf"DROP\s+(MATERIALIZED\s+)?(TABLE|VIEW)\s+(IF\s+EXISTS\s+)?({_NAME}(?:\s*,\s*{_NAME})*)\s*(CASCADE|RESTRICT)?",
        piece.text.strip(),
        re.I,
    )
    if not found:
        raise Refused(f"syntax error in {piece.text[:80]!r}", "42601")
    all_parts = [named(name, context) for name in found[4].split(",")]
    names = [full(parts) for parts in all_parts]
    run = f"DROP {found[1] or ''}{found[2]} {found[3] or ''}{', '.join(names)} {found[5] or ''}"
    before = tuple(f"SELECT rs.detach(to_regclass({quoted(name)}))" for name in names)
    after = tuple(f"SELECT rs.rebind({quoted(parts[-1])})" for parts in all_parts)
    return Plan(piece.text, run, before=before, after=after)


def _drop_schema(piece: Piece) -> Plan:
    found = re.fullmatch(r"DROP\s+SCHEMA\s+(?:IF\s+EXISTS\s+)?(\S+?)\s*(CASCADE|RESTRICT)?", piece.text.strip(), re.I)
    if not found:
        raise Refused("the stand-in knows DROP SCHEMA of one schema", "42601")
    name = quoted(found[1].strip('"').lower())
    before = (f"SELECT rs.detach_schema({name})",) if (found[2] or "").upper() == "CASCADE" else ()
    return Plan(piece.text, _lowered(piece.text), before=before, after=("SELECT rs.rebind('')",))


def _alter(piece: Piece, context: Context) -> Plan:
    """ALTER TABLE, one action at a time."""
    text, found = attributes.split(piece)
    head = re.match(rf"ALTER\s+TABLE\s+({_NAME})\s+(.*)", piece.text.strip(), re.I | re.S)
    if not head:
        raise Refused(f"syntax error in {piece.text[:80]!r}", "42601")
    parts = named(head[1], context)
    name, action = full(parts), head[2].strip()
    detach = f"SELECT rs.detach(to_regclass({quoted(name)}))"
    again = (f"SELECT rs.rebind({quoted(parts[-1])})",)
    if found.any or re.match(r"ALTER\s+(COLUMN\s+\S+\s+)?ENCODE\b", action, re.I):
        return Plan(piece.text, "", work=_noted(name, found))
    if re.match(r"APPEND\s+FROM\b", action, re.I):
        raise Refused("the stand-in does not know ALTER TABLE APPEND")
    if moved := re.fullmatch(r"RENAME\s+TO\s+(\S+)", action, re.I):
        to = moved[1].strip('"').lower()
        after = (*again, f"SELECT rs.rebind({quoted(to)})")
        return Plan(piece.text, f'ALTER TABLE {name} RENAME TO "{to}"', before=(detach,), after=after)
    if re.match(r"(OWNER|SET\s+SCHEMA|DROP\s+CONSTRAINT)\b", action, re.I):
        return Plan(piece.text, f"ALTER TABLE {name} {_lowered(action)}", before=(detach,), after=again)
    if re.match(r"ADD\s+(CONSTRAINT\b|PRIMARY\b|UNIQUE\b|FOREIGN\b)", action, re.I):
        definition = re.sub(r"^ADD\s+(CONSTRAINT\s+\S+\s+)?", "", action, flags=re.I)
        kind = definition[0].lower()
        return Plan(piece.text, work=_informed(name, kind, definition))
    tree = parsed(text)
    run = rendered(Rewriting(context)(tree))
    settle = f"SELECT rs.settle({quoted(name)})"
    return Plan(piece.text, run, before=(detach, *_growing(tree, name)), after=(settle, *again))


def _growing(tree: exp.Expression, name: str) -> tuple[Any, ...]:
    """A VARCHAR's length may grow only, and not within a transaction."""
    change = tree.find(exp.AlterColumn)
    if not change or not change.args.get("dtype"):
        return ()
    column, to = change.name.lower(), change.args["dtype"].find(exp.DataTypeParam)
    size = int(to.name) if to else 256

    def check(session: Session) -> None:
        if not session.alone:
            raise Refused("ALTER TABLE ALTER COLUMN cannot run inside a transaction block", "25001")
        found = session.internal(
            f"SELECT atttypmod - 4 FROM pg_attribute WHERE attrelid = to_regclass({quoted(name)}) AND attname = {quoted(column)}"
        )
        if found and int(found[0][0] or 0) >= size:
            raise Refused(f"cannot alter column {column}: the target column size must be larger than the current one")

    return (check,)


def _noted(name: str, found: attributes.Attributes):
    def work(session: Session) -> str:
        if not session.internal(f"SELECT 1 WHERE to_regclass({quoted(name)}) IS NOT NULL"):
            raise Refused(f"relation {name} does not exist", "42P01")
        if found.any:
            session.internal(_declared(quoted(name), found))
        return "ALTER TABLE"

    return work


def _informed(name: str, kind: str, definition: str):
    def work(session: Session) -> str:
        session.internal(f"SELECT rs.inform({quoted(name)}, '{kind}', NULL, {quoted(definition)})")
        return "ALTER TABLE"

    return work
