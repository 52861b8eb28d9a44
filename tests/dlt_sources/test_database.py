"""Postgres read exactly: every type at its edges, compared with what psycopg2 reads of the same rows, and every shape of table."""

import decimal
import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from dlt_sources._steps.land.connectors import postgres as postgres_connector
from dlt_sources._steps.land.connectors.copied import copy
from dlt_sources.door import land
from tests.dlt_sources.database import declare, execute, query, rejected, run


@pytest.fixture
def db(postgres, way):
    """The server, with an empty schema `s` that the source's login may do everything in."""
    execute(postgres, "DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s; GRANT ALL ON SCHEMA s TO deftunes")
    yield postgres
    execute(postgres, "ALTER ROLE deftunes RESET ALL")


def number(digits, places):
    """How the contract declares a Decimal, and what its text becomes: ValueError where it does not fit."""

    def read(text):
        value = Decimal(text)
        exact = decimal.Context(prec=100, traps=[decimal.Inexact])
        if not value.is_finite() or value != value.quantize(
            Decimal(1).scaleb(-places), context=decimal.Context(prec=100)
        ):
            raise ValueError(text)
        if exact.abs(exact.scaleb(value, places)) >= 10**digits:
            raise ValueError(text)
        return value

    return f"Decimal | None = column('v', max_digits={digits}, decimal_places={places})", read


def finite(text):
    if not math.isfinite(value := float(text)):
        raise ValueError(text)
    return value


TEXT = 'str | None = column("v")'
MOMENTS = [
    "infinity",
    "-infinity",
    "2020-02-29 23:59:59.999999",
    "0001-01-01",
    "0001-01-02 00:00:00.000001",
    "9999-12-30 23:59:59",
    "9999-12-31 23:59:59.999999",
    "10000-01-01",
    "0044-03-15 BC",
    "1970-01-01",
    None,
]
# Per type: how the contract declares it, how its text becomes the value, and values as Postgres reads them.
TYPES = {
    "int2": ("int | None = column('v')", int, ["-32768", "0", "32767", None]),
    "int4": ("int | None = column('v')", int, ["-2147483648", "2147483647", None]),
    "int8": ("int | None = column('v')", int, ["-9223372036854775808", "9223372036854775807", None]),
    "oid": ("int | None = column('v')", int, ["0", "4294967295", None]),
    "bool": ("bool | None = column('v')", lambda text: text == "true", ["t", "f", None]),
    "float4": ("float | None = column('v')", finite, ["0.1", "-3.4e38", "1e-45", "NaN", "infinity", "-infinity", None]),
    "float8": (
        "float | None = column('v')",
        finite,
        ["0.1", "5e-324", "1.7976931348623157e308", "NaN", "infinity", "-0", None],
    ),
    "numeric(30,15)": (
        *number(30, 15),
        ["0.000000000000001", "0.000000000001", "-999999999999999.999999999999999", "0", None],
    ),
    "numeric(38,0)": (*number(38, 0), ["9" * 38, "-" + "9" * 38, None]),
    "numeric(12,2)": (*number(12, 2), ["1.00", "NaN", "-9999999999.99", None]),
    "numeric(3,-2)": (*number(5, 0), ["12300", "-99900", None]),
    "numeric(2,4)": (*number(4, 4), ["0.0012", "-0.0099", None]),
    "numeric(60,30)": (
        *number(38, 20),
        ["1.5", "0." + "0" * 29 + "1", "1" + "0" * 29, "12345678.12345678901234567890", "NaN", None],
    ),
    "numeric": (
        *number(38, 20),
        ["1", "123456789012345678.12345678901234567890", "1e-21", "1e18", "NaN", "Infinity", "-Infinity", None],
    ),
    "money": (
        number(20, 2)[0],
        lambda text: Decimal(text.replace("$", "").replace(",", "")),
        ["12.34", "-1234567.89", None],
    ),
    "date": (
        "date | None = column('v')",
        date.fromisoformat,
        [m and m.replace(" BC", "").split()[0] + (" BC" if "BC" in m else "") for m in MOMENTS],
    ),
    "timestamp": ("datetime | None = column('v')", datetime.fromisoformat, MOMENTS),
    "timestamptz": ("datetime | None = column('v')", datetime.fromisoformat, [*MOMENTS, "2020-06-01 12:00:00.5+05:30"]),
    "text": (
        TEXT,
        str,
        ["", " ", "a,b", 'say "x"', "line\nbreak\r\n", "\\N", "\\.", "NULL", "ü€😀", "\t", "'", "x" * 9_000_000, None],
    ),
    "varchar(5)": (TEXT, str, ["", "abcde", None]),
    "bpchar(5)": (TEXT, str, ["ab", None]),
    "name": (TEXT, str, ["ab", None]),
    '"char"': (TEXT, str, ["a", None]),
    "bytea": (TEXT, str, ["\\x00ff41", "\\x", None]),
    "uuid": ("UUID | None = column('v')", str, ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", None]),
    "json": (TEXT, str, ['{"a": [1, 1.10,  null]}', "null", '"x"', None]),
    "jsonb": (TEXT, str, ['{"a": 1.10}', "null", None]),
    "tsvector": (TEXT, str, ["a fat cat", None]),
    "tsquery": (TEXT, str, ["a & b", None]),
    "interval": (TEXT, str, ["1 year 2 mons 3 days 04:05:06.789", "-1 day", None]),
    "time": (TEXT, str, ["00:00", "23:59:59.999999", "24:00", None]),
    "timetz": (TEXT, str, ["10:00+05:30", None]),
    "cidr": (TEXT, str, ["10.0.0.0/8", None]),
    "inet": (TEXT, str, ["::1", "10.0.0.1/8", None]),
    "macaddr": (TEXT, str, ["08:00:2b:01:02:03", None]),
    "macaddr8": (TEXT, str, ["08:00:2b:01:02:03:04:05", None]),
    "bit(3)": (TEXT, str, ["101", None]),
    "varbit": (TEXT, str, ["10101", "", None]),
    "point": (TEXT, str, ["(1,2)", None]),
    "circle": (TEXT, str, ["<(1,2),3>", None]),
    "polygon": (TEXT, str, ["((0,0),(1,1))", None]),
    "int4range": (TEXT, str, ["[1,5)", "empty", "(,)", None]),
    "tstzrange": (TEXT, str, ["[2020-01-01,infinity)", None]),
    "int4multirange": (TEXT, str, ["{[1,3),[5,8)}", None]),
    "int4[]": (TEXT, str, ["{1,NULL,3}", "{}", "{{1,2},{3,4}}", None]),
    "text[]": (TEXT, str, ['{a,"b c",NULL,"q\\"x"}', None]),
    "uuid[]": (TEXT, str, ["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", None]),
    "timestamp[]": (TEXT, str, ["{2020-01-01,infinity}", None]),
    "numeric[]": (TEXT, str, ["{1.10,NaN}", None]),
    "pg_lsn": (TEXT, str, ["16/B374D848", None]),
    "regclass": (TEXT, str, ["pg_class", None]),
    "jsonpath": (TEXT, str, ["$.a", None]),
    "s.mood": (TEXT, str, ["ok", "not, ok", None]),
    "s.pair": (TEXT, str, ['(1,"a b")', None]),
    "s.positive": ("int | None = column('v')", int, ["1", None]),
    "s.cents": (*number(10, 3), ["1.001", "NaN", None]),
    "s.cents_of_cents": (*number(10, 3), ["1.001", None]),
    "s.moods": (TEXT, str, ['{ok,"not, ok"}', None]),
    "s.when_": ("datetime | None = column('v')", datetime.fromisoformat, ["2020-01-01", "infinity", None]),
}
OWN_TYPES = """CREATE TYPE s.mood AS ENUM ('ok', 'not, ok'); CREATE TYPE s.pair AS (n int, t text);
CREATE DOMAIN s.positive AS int CHECK (value > 0); CREATE DOMAIN s.cents AS numeric(10,3); CREATE DOMAIN s.cents_of_cents AS s.cents;
CREATE DOMAIN s.moods AS s.mood[]; CREATE DOMAIN s.when_ AS timestamptz"""


OWN = "ALTER TABLE s.things OWNER TO deftunes"


def expected(kind, texts):
    """By id: the value that psycopg2's text of it stands for; None where no Python value, so no column, holds it."""
    found = {}
    for number, text in texts:
        try:
            value = None if text is None else kind(text)
        except ValueError:
            continue
        if isinstance(value, datetime) and value.tzinfo:
            value = value.astimezone(UTC).replace(tzinfo=None)
        if isinstance(value, str) and len(value.encode()) > 65_535:
            continue
        found[number] = value
    return found


@pytest.mark.few(12)
@pytest.mark.parametrize("kind", TYPES)
def test_every_value_is_accepted_exactly_as_it_is_or_its_row_is_rejected(tmp_path, here, db, monkeypatch, kind):
    declared, reads, values = TYPES[kind]
    execute(db, OWN_TYPES, f"CREATE TABLE s.things (id int, exotic tsvector DEFAULT 'a', v {kind})", OWN)
    execute(db, "ALTER ROLE deftunes SET TimeZone = 'Asia/Tokyo'")  # what a role sets does not reach a read
    with db.cursor() as cursor:
        for number, value in enumerate(values):
            cursor.execute("INSERT INTO s.things (id, v) VALUES (%s, %s)", [number, value])
    shop = declare(tmp_path, monkeypatch, db.dsn, f"    v: {declared}")
    assert run(shop, here)[0] == len(values)
    with db.cursor() as cursor:
        native = kind.startswith(("bpchar", '"char"', "inet"))  # whose cast to text changes them
        cursor.execute(f"SET TimeZone = 'UTC'; SELECT id, v{'' if native else '::text'} FROM s.things")
        texts = cursor.fetchall()
    wanted = expected(reads, texts)
    assert dict(query(here, "SELECT id, v FROM stg_shop.things")) == wanted
    assert {(field, n) for n, field, _ in rejected(here)} == {("v", n) for n, _ in texts if n not in wanted}
    assert all(rule for _, _, rule in rejected(here))
    assert land(shop, here) == {}  # and the same is the same at the next read


@pytest.mark.few(12)
@pytest.mark.parametrize(
    ("kind", "value", "is_scanned"),
    [
        ("int4", "1", True),
        ("float4", "0.1", True),
        ("numeric(12,2)", "0", True),
        ("numeric(12,2)", "NaN", False),
        ("timestamp", "2020-01-01", True),
        ("timestamp", "infinity", False),
        ("timestamptz", "10000-01-01", False),
        ("date", "0044-03-15 BC", False),
        ("text", "a", True),
        ("jsonb", "{}", True),
        ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", True),
        ("char(3)", "a", False),
        ("numeric", "1", False),
        ("s.cents", "1", False),
        ("int4[]", "{1}", False),
    ],
)
def test_the_scanner_is_asked_for_what_it_reads_exactly(tmp_path, here, db, monkeypatch, way, kind, value, is_scanned):
    execute(
        db,
        OWN_TYPES,
        f"CREATE TABLE s.things (id int, v {kind})",
        OWN,
        f"INSERT INTO s.things VALUES (1, '{value}'), (2, NULL)",
    )
    copied = []
    monkeypatch.setattr(postgres_connector, "copy", lambda *given: copied.append(given) or copy(*given))
    shop = declare(tmp_path, monkeypatch, db.dsn, "    v: Any = column('v', pii='drop')")
    assert run(shop, here) == (2, 2, 0)
    assert (not copied) == (is_scanned and way == "scanned")
