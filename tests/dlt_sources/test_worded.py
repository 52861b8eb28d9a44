"""Rejected rows that the engine words by itself are those that Pydantic's words would have made, to the letter."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlt_sources._steps.contracts.contract import Contract, column
from dlt_sources._steps.contracts.text import text_of
from dlt_sources._steps.judge import asked, worded

from .judging import differences, judge
from .test_judge import Everything, rows

relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Trip(Contract):
    """Limits of every kind that the engine knows."""

    number: int = column("whole number", ge=-1, lt=5)
    share: float | None = column("number", gt=0, le=1.5)
    money: Decimal = column("money", ge=Decimal("-0.5"), le=Decimal("3.25"), max_digits=8, decimal_places=2)
    word: str = column("text", min_length=2, max_length=4)
    kind: Literal["a", "b"] | None = column("choice")
    flag: bool = column("yes or no")
    day: date = column("day")
    at: datetime = column("moment")
    code: str | None = column("what only Pydantic rejects", pattern=r"^[a-z]+$")


TEXTS = ["a", "ab", "abcde", "é", "日本語", 'q"', "b\\", "\n\t", "\x00x", "\x85y", "\u202ez", "c", ""]
VALUES = {
    "number": (pa.int32(), st.integers(-3, 7)),
    "share": (pa.float64(), st.sampled_from([-1.0, -0.0, 0.0, 1e-5, 0.001, 0.1 + 0.2, 1.5, 2.5, 1e15, 1e22, float("nan")])),
    "money": (pa.decimal128(8, 2), st.decimals(-4, 4, places=2)),
    "word": (pa.string(), st.sampled_from(TEXTS)),
    "kind": (pa.string(), st.sampled_from(["a", "b", "c", "A"])),
    "flag": (pa.bool_(), st.booleans()),
    "day": (pa.date32(), st.sampled_from([date(2020, 2, 29), date(1, 1, 1), date(999, 5, 6), date(9999, 12, 31)])),
    "at": (pa.timestamp("us"), st.sampled_from([datetime(2020, 1, 2), datetime(2020, 1, 2, 3, 4, 5, 60), datetime(1, 1, 1)])),
    "code": (pa.string(), st.sampled_from(["a", "É", "1"])),
    'ot"her\x85': (pa.decimal128(9, 8), st.sampled_from([Decimal("0.00000000"), Decimal("0.10000000")])),
    "zoned": (pa.timestamp("us", "UTC"), st.sampled_from([datetime(2020, 1, 2, 3, 4, 5, 60, UTC), datetime(1999, 1, 1, tzinfo=UTC)])),
    "small": (pa.float32(), st.sampled_from([0.1, 2.0])),
}  # fmt: off


def both(folder, contract, landed):
    """(rejected rows, how many of them the engine worded) with the engine's words; rejected rows by Pydantic's alone."""
    word, counts = worded.word, []
    with patch.object(worded, "word", lambda *given: counts.append(word(*given)) or counts[-1]):
        accepted, rejected, _ = judge(folder / "engine", contract, landed)
    with patch.object(worded, "word", lambda *given: 0):
        alone = judge(folder / "alone", contract, landed)
    assert (accepted, rejected) == alone[:2]
    return rejected, sum(counts)


@pytest.mark.slow
@relaxed
@given(data=st.data())
def test_columns(tmp_path, data):
    made = [
        {name: data.draw(st.one_of(values, st.none()) if data.draw(st.integers(0, 5)) == 0 else values) for name, (_, values) in VALUES.items()}
        for _ in range(data.draw(st.integers(1, 20)))
    ]  # fmt: off
    both(tmp_path, Trip, pa.Table.from_pylist(made, pa.schema([(name, kind) for name, (kind, _) in VALUES.items()])))


@pytest.mark.slow
@relaxed
@given(data=st.data())
def test_cells_of_a_csv(tmp_path, data):
    cells = {
        "number": ["1", "9", "x", "-2"],
        "share": ["0.5", "0", "1e3", "2"],
        "money": ["1.5", "3.26", "1.234", "-7"],
    }
    cells |= {
        "word": TEXTS,
        "kind": ["a", "c"],
        "flag": ["true", "x"],
        "day": ["2020-01-02", "x"],
        "at": ["2020-01-02T03:04:05"],
    }
    cells |= {"code": ["a", "1"]}
    made = [{name: data.draw(st.sampled_from([*texts, None])) for name, texts in cells.items()} for _ in range(10)]
    both(tmp_path, Trip, pa.Table.from_pylist(made, pa.schema([(name, pa.string()) for name in cells])))


@pytest.mark.slow
@relaxed
@given(st.lists(rows(), min_size=1, max_size=30))
def test_json_records(tmp_path, records):
    both(tmp_path, Everything, pa.table({"_payload": [text_of(record) for record in records]}))


class Plain(Contract):
    """What the engine knows all rules of."""

    number: int = column("whole number", ge=0, le=5)
    word: str = column("text", max_length=3)


@pytest.mark.parametrize("as_json", [True, False])
def test_rows_that_are_broken_alike_are_asked_about_once(tmp_path, as_json, monkeypatch):
    raws = [{"number": n % 20, "word": "long" if n % 7 == 0 else "ok"} for n in range(500)]
    landed = pa.table({"_payload": [text_of(raw) for raw in raws]}) if as_json else pa.Table.from_pylist(raws)
    seen, ask = [], asked.ask
    monkeypatch.setattr(asked, "ask", lambda *given: seen.append(1) or ask(*given))
    accepted, rejected, _ = judge(tmp_path, Plain, landed)
    assert not differences(Plain, raws, accepted, rejected)
    assert len(rejected) > 300 and len(seen) == 3
    both(tmp_path, Plain, landed)


def test_words_that_another_version_of_pydantic_makes_of_the_value_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(worded, "_FIXED", frozenset())
    rejected, by_engine = both(tmp_path, Plain, pa.table({"number": [9, 8], "word": ["a", "b"]}))
    assert len(rejected) == 2 and by_engine == 0


@pytest.mark.parametrize("name", ["_why", "_RAW", "_part_0"])
def test_a_source_may_name_its_columns_as_it_likes(tmp_path, name):
    rejected, _ = both(tmp_path, Plain, pa.table({"number": [9, 8], "word": ["a", "b"], name: [1, 2]}))
    assert len(rejected) == 2
