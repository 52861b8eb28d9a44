"""The notes of each source's README say what becomes of odd values, and that is what becomes of them.

Each row of a README's table "Odd values" is tried as it is written: `table.field`, the values, the verdict.
"""

import io
import json
import re
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from demo.audiophile import Rankings
from demo.deftunes import DefTunes
from demo.people import RandomUsers
from demo.postgres import COLUMNS
from demo.sales import Sales
from demo.sales_lines import HEADER
from demo.taxi import Taxi
from dlt_sources._steps.contracts.columns import columns_of, names_asked_for
from dlt_sources._steps.contracts.contract import PAYLOAD
from dlt_sources._steps.judge.judge import Judge
from dlt_sources._steps.land.connectors.html_table import table as html_table
from dlt_sources._steps.web.raw_json import elements
from dlt_sources.door import load_sources
from tests.dlt_sources.judging import LOAD, judge

pytestmark = pytest.mark.samples
SOURCES = load_sources()
EMPTY = "an empty cell"


def notes():
    """The rows of all READMEs: source, where, values, verdict; where and values as lists."""
    found = []
    for name, source in SOURCES.items():
        section = (source.folder / "README.md").read_text().partition("\n## Odd values\n")[2]
        lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
        for where, values, verdict in lines:
            texts = re.findall(r"`([^`]+)`", values) + ([EMPTY] if EMPTY in values else [])
            found.append((name, re.findall(r"`([^`]+)`", where), where, texts, verdict))
    return found


NOTES = notes()


def test_each_source_says_what_becomes_of_odd_values():
    rows = Counter(name for name, *_ in NOTES)
    assert set(rows) == set(SOURCES) and min(rows.values()) >= 8
    assert all(values and where for _, where, _, values, _ in NOTES)


@pytest.mark.few(24)
@pytest.mark.parametrize(
    ("name", "fields", "note", "values", "verdict"), NOTES, ids=lambda value: value if isinstance(value, str) else None
)
def test_an_odd_value_ends_as_the_readme_says(name, fields, note, values, verdict, tmp_path):
    for field in fields:
        table, _, path = field.partition(".")
        for value in values:
            accepted, rejected, missed = Trial(tmp_path, name, table, path, "CSV" in note).run(value)
            why = (field, value, accepted, rejected)
            if rule := re.match(r"rejected, `(\w+)`", verdict):
                assert accepted is None and rejected["rule"] == rule[1], why
                assert rejected["field"] or rule[1] == "model_type", why
                assert (missed == 1) == ("so is one row" in verdict), why
                continue
            assert verdict.startswith("accepted") and rejected is None and not missed, why
            if told := re.search(r"accepted as `([^`]+)`", verdict):
                column, _, wanted = told[1].rpartition("=")
                found = accepted[column or column_of(name, table, path)]
                assert ("NULL" if found is None else str(found)) == wanted, why
            if said := re.search(r"`(\w+)` says `([^`]+)`", verdict):
                assert accepted[said[1]] == said[2], why
            if "without a price" in verdict:
                assert accepted["price"] is None and accepted["price_status"] in ("unknown", "discontinued"), why
            if flag := re.search(r"flagged `(is_out_of_month)`", verdict):
                assert accepted[flag[1]] is True, why


def column_of(name, table, path):
    """The column that is read from a place in the raw row."""
    parts = tuple(int(part) if part.isdigit() else part for part in re.findall(r"\w+", path))
    columns = columns_of(SOURCES[name].contracts[table])
    return next((c.name for c in columns if parts in c.paths), path)


class Trial:
    """A right row of a table, with one value changed, through the judge.

    Args:
        path: the place of the value; empty: the whole record.
        as_csv: whether the row comes as text.
    """

    def __init__(self, folder, name, table, path, as_csv):
        self.folder, self.name, self.table, self.path, self.as_csv = folder, name, table, path, as_csv
        self.declared, self.contract = SOURCES[name].tables[table], SOURCES[name].contracts[table]

    def run(self, value):
        """(the accepted row or None, the rejected one or None, the rows of missing elements)."""
        way = {"sales": self._cells, "taxi": self._trip, "deftunes_db": self._song, "audiophile": self._product}
        if self.name in way:
            landed = pa.table({name: [cell] for name, cell in way[self.name](value).items()})
            if self.name == "audiophile":
                landed = pa.table({PAYLOAD: [json.dumps(landed.to_pylist()[0])]})
            return self._verdict(landed)
        if self.table == "session_items":
            item = self._record(right("items"), value)
            return self._items(json.dumps(right("sessions") | {"session_items": "@"}).replace('"@"', f"[{item}]"))
        record = self._record(right("people" if self.name == "random_users" else self.table), value)
        found = self._verdict(pa.table({PAYLOAD: [record]}))
        if self.table == "sessions" and self.path.startswith("session_items"):
            return (*found[:2], len(self._items(record, every=True)[1]))
        if self.table == "sessions" and found[0]:
            assert self._items(record)[0], "its items are lost"
        return found

    def _verdict(self, landed):
        accepted, rejected, _ = judge(self.folder / "judge", self.contract, landed, self.declared)
        return accepted.get(0), rejected.get(0), 0

    def _items(self, record, every=False):
        """What becomes of the items of a session."""
        folder = self.folder / "items"
        folder.mkdir(exist_ok=True)
        path = folder / f"{LOAD}.a.parquet"
        marks = {"_row": [0], "_deleted": [False], "_read_at": [datetime(2020, 1, 1)]}
        pq.write_table(pa.table({PAYLOAD: [record], **marks}), path)
        source = SOURCES["deftunes_api"]
        one = Judge("deftunes_api", folder / "work", "salt", datetime(2020, 1, 1, tzinfo=UTC), "1GB")
        parts = {}
        for name, parent in (("sessions", None), ("session_items", "sessions")):
            parts[name] = one.judge(name, source.tables[name], source.contracts[name], [str(path)], parts.get(parent))
        made = parts["session_items"]
        accepted, rejected = (
            [row for file in files for row in pq.read_table(file).to_pylist()]
            for files in (made.accepted, made.rejected)
        )
        return (accepted, rejected) if every else (next(iter(accepted), None), next(iter(rejected), None), 0)

    def _record(self, record, token):
        if not self.path:
            return token
        record, parts = json.loads(json.dumps(record)), re.findall(r"\w+", self.path)
        part = record
        for name in parts[:-1]:
            part = part[name]
        part[int(parts[-1]) if parts[-1].isdigit() else parts[-1]] = "@"
        return json.dumps(record).replace('"@"', token)

    def _cells(self, value):
        assert self.path in HEADER
        cells = dict(zip(HEADER, right("lines").cells(), strict=True)) | {self.path: value}
        texts = {name: None if cell in ("", EMPTY) else cell for name, cell in cells.items()}
        return texts | {"_file": "sales.csv", "_file_row": 0}

    def _trip(self, value):
        trip = right(self.table)
        assert self.path in trip
        value = None if value == EMPTY else value
        file = {"_file": f"{self.table.partition('_')[0]}_tripdata_2019-12.parquet", "_file_row": 0}
        if self.as_csv:
            return {
                name: None if cell is None else str(cell) for name, cell in (trip | {self.path: value}).items()
            } | file
        kind = type(trip[self.path])
        if value is not None and kind is not str:
            value = datetime.fromisoformat(value) if kind is datetime else kind(value)
        return trip | {self.path: value} | file

    def _song(self, value):
        song = right("songs")
        kind = COLUMNS[self.path]
        if value == "NULL":
            return song | {self.path: None}
        if kind.startswith("numeric"):  # a column that holds NaN or infinity is read as text
            return song | {self.path: Decimal(value) if Decimal(value).is_finite() else value}
        if kind == "integer":
            return song | {self.path: Decimal(value)}
        return song | {self.path: float(value) if kind.startswith("double") else value}

    def _product(self, value):
        product = right(self.table)
        assert self.path in product
        return product | {"pricesort": "99999"} | {self.path: "" if value == EMPTY else value}


@cache
def right(what):
    """A row with nothing wrong, as its source sends it."""
    if what in ("headphones", "iems"):
        page = Rankings(7, 0.01).page(what, 0).decode()
        wanted = names_asked_for(SOURCES["audiophile"].contracts[what])
        rows = html_table(page, "table.tablepress", "https://example.com", wanted)
        return next(row for row in rows if row["rank"].startswith("B"))
    if what == "lines":
        return next(line for line in Sales(7, 0.01)._delivered(0) if not line.spoil and not line.long)
    if what.endswith("_trips"):
        name = f"{what.partition('_')[0]}_tripdata_2019-12.parquet"
        trips = pq.read_table(io.BytesIO(Taxi(7, 0.01).files(0)[name])).to_pylist()
        return next(t for t in trips if None not in {t[k] for k in t if k != "ehail_fee"} and t["fare_amount"] > 0)
    if what == "people":
        return next(p for p, reason in RandomUsers(7, 0.01)._records(0, 0) if not reason and is_plain(p))
    slots = getattr(DefTunes(7, 0.01), "sessions" if what == "items" else what)
    body = next(s[0].body for s in slots if not s[0].reason and not any(s[0].items) and is_plain(s[0].body))
    return body["session_items"][0] if what == "items" else body


def is_plain(record):
    """Whether a record has nothing that needs to be written to the letter."""
    try:
        json.dumps(record, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def test_a_byte_that_is_not_utf8_and_a_repeated_key(tmp_path):
    text = json.dumps(right("users")).encode()
    twice = text.replace(b'"user_name"', b'"user_name": "First", "user_name"')
    cut = text.replace(b'"user_name": "', b'"user_name": "\xff')
    records = elements(b"[" + b", ".join([text, twice, cut]) + b"]")
    landed = pa.table({PAYLOAD: [bytes(record).decode() for record in records]})
    source = SOURCES["deftunes_api"]
    accepted, rejected, _ = judge(tmp_path / "judge", source.contracts["users"], landed, source.tables["users"])
    assert accepted[0]["user_name"] == accepted[1]["user_name"] == json.loads(text)["user_name"]
    assert list(rejected) == [2] and rejected[2]["rule"] == "unrepresentable"
