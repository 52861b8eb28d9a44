"""What Redshift refuses, in words; usable alone on rendered SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sqlglot import exp

from . import attributes, tree, words
from .dialect import Piece, parsed, pieces
from .plan import Refused

Check = Callable[[Piece, str], Iterator[str]]
_NOT_OBJECTS = [
    "INDEX",
    "SEQUENCE",
    "TYPE",
    "DOMAIN",
    "TRIGGER",
    "RULE",
    "EXTENSION",
    "TABLESPACE",
    "OPERATOR",
    "AGGREGATE",
    "CAST",
    "COLLATION",
    "CONVERSION",
    "SERVER",
    "POLICY",
    "PUBLICATION",
    "SUBSCRIPTION",
    "STATISTICS",
    "UNLOGGED",
]
_NOT_FIRST = [
    "SAVEPOINT",
    "RELEASE",
    "LISTEN",
    "NOTIFY",
    "UNLISTEN",
    "CLUSTER",
    "REINDEX",
    "DO",
    "DISCARD",
    "CHECKPOINT",
    "LOAD",
    "SECURITY",
    "VALUES",
    "TABLE",
    "REPLACE",
    "IMPORT",
]
_PHRASES = {
    r"ON CONFLICT": "INSERT ... ON CONFLICT is not supported: use MERGE",
    r"RETURNING": "RETURNING is not supported",
    r"FILTER \( WHERE": "FILTER (WHERE ...) is not supported: use CASE",
    r"DISTINCT ON \(": "DISTINCT ON is not supported",
    r"IS (NOT )?DISTINCT FROM": "IS DISTINCT FROM is not supported",
    r"LATERAL": "LATERAL is not supported",
    r"UNNEST \(": "UNNEST is not supported",
    r"(SKIP LOCKED|NOWAIT|FOR UPDATE|FOR SHARE|FOR NO KEY UPDATE)": "locking rows (FOR UPDATE, SKIP LOCKED) is not supported",
    r"FETCH (FIRST|NEXT) \S+ ROWS?": "FETCH FIRST is not supported: use LIMIT",
    r"TABLESAMPLE": "TABLESAMPLE is not supported",
    r"WITH ORDINALITY": "WITH ORDINALITY is not supported",
    r"GROUP BY ALL(?= |$)(?! \()": "GROUP BY ALL as a list of columns is not supported",
    r"(EXCEPT|INTERSECT|MINUS) ALL": "EXCEPT ALL and INTERSECT ALL are not supported",
    r"FROM \( VALUES": "VALUES as a table is not supported",
    r"JOIN \( VALUES": "VALUES as a table is not supported",
    r"ARRAY \[": "arrays are not supported",
    r"OVERRIDING (SYSTEM|USER) VALUE": "OVERRIDING is not supported",
}
_NO_COLUMN = ("PRIMARY KEY", "FOREIGN KEY", "PRIMARY", "FOREIGN", "UNIQUE", "CONSTRAINT", "LIKE", "CHECK")
_TEXTS = ("VARCHAR", "NVARCHAR", "TEXT")


def refused(statement: exp.Expression | str) -> list[str]:
    """Why Redshift refuses a statement; nothing where it does not, as far as this knows.

    Args:
        statement: SQL of the Redshift dialect, or a tree that is rendered in it first.
    """
    text = statement if isinstance(statement, str) else statement.sql(dialect="redshift")
    try:
        return [reason for piece in pieces(text) for reason in refused_piece(piece)]
    except Refused as refusal:
        return [str(refusal)]


def refused_piece(piece: Piece) -> list[str]:
    """The same for one statement."""
    found = refused_words(piece)
    if piece.words[0] in ("SELECT", "WITH", "(", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE") and not found:
        found += _in_tree(piece, said(piece))
    return list(dict.fromkeys(found))


def refused_words(piece: Piece) -> list[str]:
    """What its words alone give away."""
    text = said(piece)
    return [reason for check in (_first, _phrases, _types, _tables, _alters) for reason in check(piece, text)]


def said(piece: Piece) -> str:
    """Its words in capitals; names and texts in quotes are left out."""
    return " ".join(w if w[:1] != "\0" else "\0" for w in piece.words)


def _in_tree(piece: Piece, said: str) -> Iterator[str]:
    text = re.sub(r"\s+REMOVE\s+DUPLICATES\s*$", " WHEN NOT MATCHED THEN INSERT VALUES (1)", piece.text, flags=re.I)
    text = re.sub(r"\s+WITH\s+NO\s+SCHEMA\s+BINDING\s*$", "", text, flags=re.I)
    what = re.match(r"CREATE( OR REPLACE| TEMP| TEMPORARY| LOCAL| MATERIALIZED)* (TABLE|VIEW)", said)
    if said.startswith("CREATE") and not what:
        return
    declared = attributes.Attributes()
    if what and text == piece.text:
        text, declared = attributes.split(piece)
    found = parsed(text)
    yield from tree.reasons(found)
    names = columns(found)
    if names is not None:
        yield from _caught(lambda: attributes.check(declared, names))


def _caught(call: Callable[[], None]) -> list[str]:
    try:
        call()
    except Refused as refusal:
        return [str(refusal)]
    return []


def columns(found: exp.Expression) -> list[str] | None:
    """The columns of a new table, where its statement tells them."""
    if not isinstance(found, exp.Create):
        return None
    if isinstance(found.this, exp.Schema):
        like = any(isinstance(c, exp.LikeProperty) for c in found.this.expressions)
        return None if like else [c.name.lower() for c in found.this.expressions if isinstance(c, exp.ColumnDef)]
    if isinstance(found.expression, exp.Query) and "*" not in found.expression.named_selects:
        return [name.lower() for name in found.expression.named_selects]
    return None


def _first(piece: Piece, said: str) -> Iterator[str]:
    """Statements that do not exist."""
    found = said.split()
    if found[0] in _NOT_FIRST or said.startswith("ROLLBACK TO"):
        yield f"{found[0]} is not supported"
    if found[0] in ("CREATE", "DROP", "ALTER") and len(found) > 1:
        what = [w for w in found[1:5] if w not in ("OR", "REPLACE", "UNIQUE", "CONSTRAINT", "TEMP", "TEMPORARY")]
        if what and what[0] in _NOT_OBJECTS:
            yield f"{found[0]} {what[0]} is not supported"
        if what[:1] == ["FOREIGN"]:
            yield f"{found[0]} FOREIGN {' '.join(what[1:2])} is not supported"


def _phrases(piece: Piece, said: str) -> Iterator[str]:
    for phrase, reason in _PHRASES.items():
        if re.search(rf"(?<![^ ]){phrase}(?![^ ])", said):
            yield reason
    if re.search(r"(?<![^ ])(ANY|SOME|ALL) \((?! SELECT| WITH| \()", said) and "UNION ALL (" not in said:
        yield "ANY and ALL take a subquery only"
    if re.search(r" (->|->>|#>|#>>|@>|<@|\?\|) ", said):
        yield "JSON operators are not supported: use SUPER or JSON_EXTRACT_PATH_TEXT"
    if "<=>" in piece.text:
        yield "the operator <=> does not exist"


def _types(piece: Piece, said: str) -> Iterator[str]:
    """Types by the words that name them: the tree knows them under other names."""
    found, depth = piece.words, 0
    create = re.match(r"CREATE( LOCAL| TEMP| TEMPORARY)* TABLE", said) and not re.search(
        r" AS (\( )*(SELECT|WITH) ", said
    )
    casts: list[int] = []
    starts = -9  # where the definition of a column begins
    for at, now in enumerate(found):
        depth += (now == "(") - (now == ")")
        if create and depth == 1 and now in ("(", ","):
            starts = at + 1
        if create and depth == 0 and now == ")":  # the columns have ended; what follows are keys
            create, starts = None, -9
        if now == "CAST" and found[at + 1 : at + 2] == ["("]:
            casts.append(depth)
        if now == ")" and casts and depth == casts[-1]:
            casts.pop()
        cast = found[at - 1 : at] == ["::"] or (found[at - 1 : at] == ["AS"] and casts and depth == casts[-1] + 1)
        column = create and at == starts + 1 and found[starts] not in _NO_COLUMN
        if cast or column:
            yield from _type(now, found[at + 1 : at + 7])


def _type(kind: str, after: list[str]) -> Iterator[str]:
    known = kind.lower().removeprefix("\0").removesuffix(" precision").removesuffix(" varying")
    if known not in words.TYPES or kind == "DOUBLE":
        yield f"type {kind.lower().strip(chr(0))} does not exist"
    if "[" in after[:1] or after[:3] == ["(", "[", "]"]:
        yield "arrays are not supported"
    if kind in ("CHARACTER VARYING", "CHAR VARYING"):
        kind = "VARCHAR"
    numbers = [int(w) for w in after[1:4] if w.isdigit()] if after[:1] == ["("] else []
    if kind in _TEXTS and numbers and numbers[0] > 65535:
        yield f"length for type {kind.lower()} cannot exceed 65535"
    if kind in ("CHAR", "CHARACTER", "NCHAR") and numbers and numbers[0] > 4096:
        yield "length for type char cannot exceed 4096"
    if kind in ("DECIMAL", "NUMERIC") and numbers:
        if numbers[0] > 38:
            yield f"DECIMAL precision {numbers[0]} must be between 1 and 38"
        if len(numbers) > 1 and numbers[1] > min(37, numbers[0]):
            yield f"DECIMAL scale {numbers[1]} must be between 0 and 37 and not exceed the precision"


def _tables(piece: Piece, said: str) -> Iterator[str]:
    """CREATE TABLE and VIEW."""
    if not said.startswith("CREATE"):
        return
    head = said.split(" (")[0]
    if re.match(r"CREATE OR REPLACE( TEMP| TEMPORARY)? TABLE", said):
        yield "CREATE OR REPLACE TABLE is not supported"
    if re.match(r"CREATE( LOCAL)?( TEMP| TEMPORARY)? TABLE IF NOT EXISTS \S+( \. \S+)*( \([^()]*\))? AS(?= )", said):
        yield "CREATE TABLE IF NOT EXISTS ... AS is not supported"
    if re.match(r"CREATE( LOCAL)? (TEMP|TEMPORARY) TABLE( IF NOT EXISTS)? \S+ \.", said):
        yield "a temporary table cannot be given a schema"
    if said.startswith("CREATE MATERIALIZED VIEW IF NOT EXISTS"):
        yield "CREATE MATERIALIZED VIEW IF NOT EXISTS is not supported"
    if re.match(r"CREATE (OR REPLACE )?(RECURSIVE|TEMP|TEMPORARY) VIEW", said):
        yield "temporary and recursive views are not supported"
    if " TABLE " in head + " ":
        for word, reason in (
            ("INHERITS", "table inheritance"),
            ("TABLESPACE", "tablespaces"),
            ("EXCLUDE", "constraints by exclusion"),
        ):
            if re.search(rf"\) {word}(?= )| {word} (USING )?\(", said):
                yield f"{reason} are not supported" if reason.endswith("s") else f"{reason} is not supported"
        if re.search(r"\) PARTITION BY| PARTITION OF ", said):
            yield "PARTITION BY tables are not supported"
        if re.search(r" GENERATED ALWAYS AS \((?! \d)", said) and "STORED" in said:
            yield "generated columns are not supported"
        if re.search(r" CHECK \(", said):
            yield "CHECK constraints are not supported"


def _alters(piece: Piece, said: str) -> Iterator[str]:
    """ALTER TABLE."""
    if not said.startswith("ALTER TABLE"):
        return
    depth, commas = 0, 0
    for now in said.split():
        depth += (now == "(") - (now == ")")
        commas += now == "," and depth == 0
    if commas:
        yield "ALTER TABLE takes one action at a time"
    if re.search(r"^ALTER TABLE IF EXISTS|COLUMN IF (NOT )?EXISTS|ADD IF NOT EXISTS", said):
        yield "ALTER TABLE with IF [NOT] EXISTS is not supported"
    if re.search(r" ALTER (COLUMN )?\S+ (SET|DROP) (NOT|DEFAULT)", said):
        yield "ALTER COLUMN changes a VARCHAR's length or an encoding only"
    if re.search(r" ADD (COLUMN )?\S+ .* NOT NULL", said) and " DEFAULT " not in said:
        yield "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression"
    kind = re.search(r" ALTER (COLUMN )?\S+ (SET DATA )?TYPE (\S+)", said)
    if kind and kind[3] not in ("VARCHAR", "CHARACTER", "NVARCHAR"):
        yield "ALTER COLUMN TYPE changes the length of a VARCHAR only"
    added = re.search(r" ADD (COLUMN )?\S+ (\S+)(.*)", said)
    other = re.search(r" ADD (CONSTRAINT|PRIMARY|UNIQUE|FOREIGN|PARTITION)", said)
    if added and not other and added[2] not in ("KEY", "\0", "("):
        yield from _type(added[2], added[3].split())
