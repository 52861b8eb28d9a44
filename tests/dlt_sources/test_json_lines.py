"""Files of JSON lines: each line is a record, judged as a REST API's are; lists are tables, and a broken line costs itself alone."""

import gzip
import json

import pytest
import yaml

from dlt_sources._steps.declared.file_names import place_of
from dlt_sources._steps.judge.drift import lines_for
from dlt_sources._steps.land.connectors import json_lines
from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import DeclarationError, SourceError, count_rejected, land, load_sources, refine, withdraw
from tests.dlt_sources.shop import query, refined, run, source_of, staged

NESTED = """
from decimal import Decimal
from typing import Any
from dlt_sources.contract import Contract, checked_only, column
class Order(Contract):
    id: int = column("id", ge=1)
    city: str | None = column("city", path="to.city", default=None)
    mail: str | None = column("mail", pii="hash", default=None)
    file: str = column("file", path="_file", max_length=100)
    line: int = column("line", path="_file_row")
    lines: list[Any] | None = checked_only("lines", default=None)
class Line(Contract):
    id: int = column("order", path="_parent.id")
    sku: str = column("sku", max_length=20)
    price: Decimal = column("price", max_digits=9, decimal_places=2)
    file: str = column("file", path="_parent._file", max_length=100)
"""


def orders_of(tmp_path, inbox, **table):
    """The source `shop` of orders in files, with a table of their lines."""
    folder = tmp_path / "sources" / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "description": "orders",
        "owner": "me",
        "schedule": "* * * * *",
        "connector": "files",
        "connection": {"url": str(inbox)},
        "tables": {
            "orders": {"contract": "Order", "key": ["id"], "mode": "upsert", "files": "*.jsonl", **table},
            "lines": {
                "from": "orders",
                "explode": "lines",
                "parent_key": ["id"],
                "contract": "Line",
                "key": ["id", "sku"],
            },
        },
    }
    (folder / "source.yml").write_text(yaml.safe_dump(content))
    (folder / "contract.py").write_text(NESTED)
    return load_sources(folder.parent)["shop"]


def order(number, *skus, **more):
    return json.dumps({"id": number, "lines": [{"sku": s, "price": "1.50"} for s in skus], **more}) + "\n"


def reasons(here):
    return query(here, "SELECT rule, message, raw FROM stg_shop._rejected ORDER BY row_number")


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.JSONL.gz", "a.ndjson.gz"])
def test_each_line_is_a_record_that_knows_its_file(tmp_path, here, inbox, name):
    text = b'{"id": 1, "name": "a"}\n{"id": 2, "name": null}\n{"id": 3, "title": "c"}\n'
    (inbox / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    shop = source_of(tmp_path, inbox)
    assert run(shop, here) == (3, 3, 0)
    assert staged(here, "id, name, file") == [(1, "a", name), (2, None, name), (3, "c", name)]
    assert land(shop, here) == {}


ODD = {
    "a byte order mark, CRLF, blank lines, no newline at the end": (
        b'\xef\xbb\xbf{"id": 1, "name": "a"}\r\n\r\n  \n{"id": 2, "name": "b"}\r\n\n{"id": 3, "name": "c"}',
        [(1, "a"), (2, "b"), (3, "c")],
        [],
    ),
    "lines that are not JSON": (
        b'{"id": 1, "name": "a"}\nid,name\n{"id": 2 "name": "b"}\n{"id": 3, "name": "c"}\n',
        [(1, "a"), (3, "c")],
        ["unrepresentable", "unrepresentable"],
    ),
    "lines that are not objects": (
        b'[1, 2]\n"text"\n7\nnull\n{"id": 1, "name": "a"}\n[{"id": 2, "name": "b"}]\n',
        [(1, "a")],
        ["model_type"] * 5,
    ),
    "a file cut within its last line": (
        b'{"id": 1, "name": "a"}\n{"id": 2, "name": "b}',
        [(1, "a")],
        ["unrepresentable"],
    ),
    "bytes that are not UTF-8": (
        b'{"id": 1, "name": "\xff\xfe"}\n{"id": 2, "name": "\xc3\xa4"}\n',
        [(2, "ä")],
        ["unrepresentable"],
    ),
    "keys that are repeated: the last counts": (b'{"id": 1, "id": 2, "name": "a", "name": "b"}\n', [(2, "b")], []),
    "a file's name and row that the record makes up": (
        b'{"id": 1, "name": "a", "_file": "other.jsonl", "_file_row": 99}\n',
        [(1, "a")],
        [],
    ),
    "numbers beyond every column": (
        b'{"id": 1, "name": "a"}\n{"id": 99999999999999999999999999, "name": "b"}\n{"id": 1e400, "name": "c"}\n',
        [(1, "a")],
        ["unrepresentable", "finite_number"],
    ),
    "NaN, which only most parsers read": (b'{"id": NaN, "name": "a"}\n{"id": 2, "name": "b"}\n', [(2, "b")], ["?"]),
    "an empty object and blanks around braces": (
        b'{}\n{ }\n  {"id": 3, "name": "c"}  \n',
        [(3, "c")],
        ["missing", "missing"],
    ),
}


@pytest.mark.few(5)
@pytest.mark.parametrize("kind", ODD)
def test_a_broken_line_is_a_rejected_row_and_the_others_land(tmp_path, here, inbox, kind):
    text, kept, rules = ODD[kind]
    (inbox / "a.jsonl").write_bytes(text)
    shop = source_of(tmp_path, inbox)
    assert run(shop, here) == (len(kept) + len(rules), len(kept), len(rules))
    assert staged(here) == kept
    found = [rule for rule, _, _ in reasons(here)]
    assert found == rules or rules == ["?"]
    assert {file for (file,) in staged(here, "file")} <= {"a.jsonl"}


def test_a_line_without_json_says_where_it_is(tmp_path, here, inbox):
    (inbox / "a.jsonl").write_bytes(b'{"id": 1, "name": "a"}\n\n{"id": 2, "na')
    run(source_of(tmp_path, inbox), here)
    [(_, message, raw)] = reasons(here)
    assert "record 2 of a.jsonl" in message and raw == '{"id": 2, "na'


def test_a_line_that_is_too_long_is_rejected_and_memory_does_not_hold_it(tmp_path, here, inbox, monkeypatch):
    monkeypatch.setattr(json_lines, "PIECE", 1000)
    lines = [f'{{"id": {n}, "name": "{"x" * (5000 if n == 2 else n)}"}}\n' for n in range(1, 300)]
    (inbox / "a.jsonl").write_text("".join(lines))
    shop = source_of(tmp_path, inbox, {"max_line": 2000})
    assert run(shop, here) == (299, 298, 1)
    [(rule, message, _)] = reasons(here)
    assert rule == "malformed_line" and "line 2: Maximum line size of 2000 bytes" in message
    assert staged(here)[-1] == (299, "x" * 299)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jsonl", b"", "the file is empty"),
        ("a.jsonl", '{"id": 1}\n'.encode("utf-16"), "not JSON lines in UTF-8"),
        ("a.jsonl.gz", gzip.compress(b'{"id": 1, "name": "a"}\n')[:-9], "cannot be unpacked"),
        ("a.jsonl", b'{"nr": 1, "name": "a"}\n{"nr": 2, "name": "b"}\n', "no column id"),
        ("a.json", b'{"id": 1}', "not a .parquet, .csv"),
    ],
)
def test_a_file_that_is_none_is_refused_and_the_others_land(tmp_path, here, inbox, name, content, reason):
    (inbox / name).write_bytes(content)
    (inbox / "b.jsonl").write_bytes(b'{"id": 2, "name": "b"}\n')
    shop = source_of(tmp_path, inbox)
    with pytest.raises(SourceError, match=reason):
        land(shop, here)
    assert refined(shop, here) == (1, 0)
    assert staged(here) == [(2, "b")]


def test_another_encoding_is_declared(tmp_path, here, inbox):
    (inbox / "a.jsonl").write_text('{"id": 1, "name": "ä"}\n', encoding="utf-16")
    assert run(source_of(tmp_path, inbox, {"encoding": "utf-16"}), here) == (1, 1, 0)
    assert staged(here) == [(1, "ä")]


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_a_file_that_comes_again_counts_as_its_mode_says(tmp_path, here, inbox, mode):
    shop = source_of(tmp_path, inbox, mode=mode)
    (inbox / "a.jsonl").write_text('{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n')
    (inbox / "b.jsonl").write_text('{"id": 3, "name": "c"}\n')
    assert run(shop, here) == (3, 3, 0)
    (inbox / "a.jsonl").write_text('{"id": 1, "name": "A"}\n{"id": 0, "name": "odd"}\n')
    assert run(shop, here) == (2, 1, 1)
    assert staged(here) == [(1, "A"), *([(2, "b")] if mode == "upsert" else []), (3, "c")]
    (inbox / "a.jsonl").write_text("\n")
    run(shop, here)
    assert staged(here) == [*([(1, "A"), (2, "b")] if mode == "upsert" else []), (3, "c")]


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_withdrawn_file_leaves(tmp_path, here, inbox, mode):
    shop = source_of(tmp_path, inbox, mode=mode)
    for name, number in (("a", 1), ("b", 2)):
        (inbox / f"{name}.jsonl").write_text(f'{{"id": {number}, "name": "{name}"}}\n')
        run(shop, here)
    withdraw(shop, "a.jsonl", here)
    refine(shop, here)
    assert staged(here) == [(2, "b")]


def test_csv_and_json_lines_are_one_table(tmp_path, here, inbox):
    (inbox / "a.jsonl").write_text('{"id": 1, "name": "a"}\n')
    (inbox / "b.csv").write_text("id,name\n2,b\n")
    assert run(source_of(tmp_path, inbox), here) == (2, 2, 0)
    assert staged(here) == [(1, "a"), (2, "b")]
    names = [f"t_2026-01.{ending}" for ending in ("csv", "jsonl", "parquet")]
    assert sorted(names, key=lambda name: place_of(["t_{month}.*"], name)) == [names[2], names[1], names[0]]


def test_lists_are_tables_and_fields_are_found_by_their_paths(tmp_path, here, inbox):
    shop = orders_of(tmp_path, inbox)
    (inbox / "a.jsonl").write_text(
        order(1, "x", "y", to={"city": "Köln"}, mail="a@example.com") + order(2) + order(3, "z")
    )
    land(shop, here)
    done = refine(shop, here)
    assert (done.accepted["orders"], done.accepted["lines"], sum(done.rejected.values())) == (3, 3, 0)
    assert query(here, "SELECT id, city, file, line FROM stg_shop.orders ORDER BY id") == [
        (1, "Köln", "a.jsonl", 0),
        (2, None, "a.jsonl", 1),
        (3, None, "a.jsonl", 2),
    ]
    assert [len(m) for (m,) in query(here, "SELECT mail FROM stg_shop.orders WHERE id = 1")] == [64]
    lines = "SELECT id, sku, file FROM stg_shop.lines ORDER BY ALL"
    assert query(here, lines) == [(1, "x", "a.jsonl"), (1, "y", "a.jsonl"), (3, "z", "a.jsonl")]
    (inbox / "b.jsonl").write_text(order(1, "y", "w"))
    land(shop, here)
    refine(shop, here)
    assert [row[:2] for row in query(here, lines)] == [(1, "w"), (1, "y"), (3, "z")]


def test_a_withdrawn_file_takes_the_rows_of_its_lists_along(tmp_path, here, inbox):
    shop = orders_of(tmp_path, inbox, max_rejected={"share": 0.1, "rows": 0})
    for name, text in (("a", order(1, "x") + order(2, "y")), ("b", order(2, "z") + order(3, "w", "w" * 30))):
        (inbox / f"{name}.jsonl").write_text(text)
        land(shop, here)
        refine(shop, here)
    lines = "SELECT id, sku FROM stg_shop.lines ORDER BY ALL"
    assert query(here, lines) == [(1, "x"), (2, "z"), (3, "w")]
    counts = "SELECT sum(landed), sum(accepted), sum(rejected) FROM stg_shop._loads WHERE table_name = 'lines'"
    assert query(here, counts) == [(5, 4, 1)]
    assert withdraw(shop, "b.jsonl", here) == ["orders"]
    refine(shop, here)
    assert query(here, lines) == [(1, "x"), (2, "y")]
    assert query(here, counts) == [(2, 2, 0)] and not reasons(here)
    assert sum(found.rejected for found in count_rejected(shop, None, here).values()) == 0
    refine(shop, here, since="0")
    assert query(here, lines) == [(1, "x"), (2, "y")]
    here.warehouse.unlink()
    refine(shop, here)
    assert query(here, lines) == [(1, "x"), (2, "y")]


@pytest.mark.parametrize(
    ("table", "reason"),
    [({"mode": "append"}, "set `mode: upsert` on 'orders'"), ({"files": "*.csv"}, "only records of JSON lines")],
)
def test_lists_of_files_that_cannot_be_tables_are_refused(tmp_path, inbox, table, reason):
    with pytest.raises(DeclarationError, match=reason):
        orders_of(tmp_path, inbox, **table).check()


def test_personal_values_of_a_broken_line_are_in_landing_alone(tmp_path, here, inbox):
    shop = orders_of(tmp_path, inbox)
    (inbox / "a.jsonl").write_text(
        '{"id": 0, "mail": "ann@example.com"}\n{"id": 2, "mail": "bob@example.com\n' + order(3)
    )
    land(shop, here)
    refine(shop, here)
    found = query(here, "SELECT raw, message, errors FROM stg_shop._rejected ORDER BY row_number")
    assert len(found) == 2 and "example.com" not in str(found)
    assert "record 2 of a.jsonl" in found[1][1]


def test_what_the_contract_does_not_know_is_noticed(tmp_path, here, inbox):
    (inbox / "a.jsonl").write_text('{"id": 1, "name": "a", "colour": "red"}\n')
    shop = source_of(tmp_path, inbox)
    land(shop, here)
    seen = refine(shop, here).seen["things"]
    assert list(seen.unknown) == ["colour"] and lines_for("colour", "text", ())


def test_a_rebuild_from_landing_gives_the_same(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    (inbox / "a.jsonl").write_text('{"id": 1, "name": "a"}\n{"id": 2\n')
    run(shop, here)
    before = staged(here), reasons(here)
    here.warehouse.unlink()
    refine(shop, here)
    assert (staged(here), reasons(here)) == before
    assert len(Landing("shop", here).loads()) == 1
