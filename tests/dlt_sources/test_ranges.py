"""Spans that were read ahead of their turn: landed, they are what reading them in their turn would have landed, or they are read again."""

import json
import os
import random
import stat
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from dlt_sources._steps.stores import ranges
from dlt_sources._steps.stores.lake import Landing
from dlt_sources._steps.stores.ranges import Range, RangeError
from dlt_sources.door import SourceError, land, load_sources, own_batch, read_range, refine, remove_batch
from runtime.backfill import pieces
from runtime.readers import Readers
from tests.dlt_sources import database, shop
from tests.dlt_sources.database import execute
from tests.dlt_sources.test_land import Api
from tests.dlt_sources.test_land import source_of as declare

FIRST, NOW = datetime(2019, 11, 20), datetime(2020, 3, 10)
CONTRACT = """
from datetime import datetime
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id", ge=1)
    name: str | None = column("name", max_length=20, pii="hash")
    at: datetime | None = column("at", default=None)
"""
EXTRACT = """
import json, urllib.request
def things(request, values):
    span = f"?from={request.since:%Y-%m-%d}&to={request.upto or request.until.date()}" if request.since else ""
    if "remembers" in values:
        request.memory["reads"] = request.memory.get("reads", 0) + 1
    yield from json.loads(urllib.request.urlopen(values["url"] + "/things" + span).read())
"""


@pytest.fixture
def postgres_(request):
    """The demo's Postgres with a schema `s`, where a test is about a database."""
    if request.node.callspec.params.get("kind") != "sql_database":
        return None
    found = request.getfixturevalue("postgres")
    execute(found, "DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s; GRANT ALL ON SCHEMA s TO deftunes")
    execute(found, "SET ROLE deftunes; CREATE TABLE s.things (id int, name text, at timestamp)")
    return found


@pytest.fixture
def api():
    with Api().serve() as api:
        api.things = []

        def respond(path, asked, number):
            low, high = asked.get("from", [""])[0], asked.get("to", ["9999"])[0]
            return 200, {}, json.dumps([row for row in api.things if low <= row["at"][:10] <= high]).encode()

        api.respond = respond
        yield api


def rows_of(draw, days):
    """Some rows on some days, also of the same key on several days."""
    made = []
    for day in range(days):
        moment = FIRST + timedelta(days=day)
        for _ in range(draw.choice((0, 1, 1, 5))):
            made.append(
                {"id": draw.randrange(1, 30), "name": f"n{draw.randrange(9)}", "at": f"{moment:%Y-%m-%dT%H:%M:%S}"}
            )
    return made


def source_of(kind, tmp_path, draw, api, site, db, monkeypatch, days=100, **values):
    """A source with rows on some of the days from the first on."""
    rows = rows_of(draw, days)
    table = {"cursor": "at", "start": "2020-03-01", "mode": draw.choice(("upsert", "append"))}
    api.things = rows
    if kind == "rest_api":
        table["endpoint"] = {"path": "things", "window": {"since": "from", "until": "to"}}
        return declare(tmp_path, table, {"base_url": api.url, "attempts": 1}, contract=CONTRACT)
    if kind == "python":
        (tmp_path / "sources/shop").mkdir(parents=True)
        (tmp_path / "sources/shop/extract.py").write_text(EXTRACT)
        return declare(tmp_path, table, {"values": {"url": api.url, **values}}, "python", contract=CONTRACT)
    if kind == "sql_database":
        for row in rows:
            execute(db, "INSERT INTO s.things VALUES ({id}, '{name}', '{at}')".format(**row))
        fields = '    name: str | None = column("name")\n    at: datetime | None = column("at")'
        return database.declare(tmp_path, monkeypatch, db.dsn, fields, **table)
    for name in ("t_2019-11.csv", "t_2019-12.parquet", "t_2020-01.csv", "t_2020-02.csv"):
        some = draw.sample(range(1, 60), 5)
        text = "id,name\n" + "".join(f"{n},{name}\n" for n in some)
        site.files[name] = text.encode() if name.endswith("csv") else shop.parquet(id=some, name=[name] * 5)
    return shop.source_of(tmp_path, site.url, files=["t_{month}.csv", "t_{month}.parquet"], start="2020-03-01")


def at(here, folder):
    return here.model_copy(update={"data_dir": Path(folder), "pii_salt": SecretStr("the same in both")})


def spans(here, days, each, batch="b"):
    last = FIRST + timedelta(days=days - 1)
    return [Range("shop", batch, piece.since, piece.until, here) for piece in pieces(FIRST, last, each)]


def land_all(source, here, found, batch="b"):
    """Land spans in their order; returns what was said."""
    notes = []
    for span in found:
        land(source, here, since=span.since, until=span.until, notes=notes, batch=batch)
        refine(source, here)
    return notes


def landed(here):
    """What landed, load by load: rows by their folder, without when they were read."""
    landing, found = Landing("shop", here), []
    for _, record in sorted(landing.records(landing.loads()).items(), key=lambda item: float(item[0])):
        rows = {}
        for file in record["files"]:
            table = pq.read_table(Path(landing.root, file["path"])).drop_columns("_read_at")
            rows.setdefault(file["path"].split("/")[0], []).append((table.schema, table.to_pylist()))
        found.append(rows)
    return found


def remembered(here):
    return Landing("shop", here).remembered().get("resources")


@pytest.mark.few(4)  # one of each kind
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["python", "rest_api", "sql_database", "files"])
def test_what_was_read_ahead_lands_as_if_it_had_been_read_in_its_turn(
    kind, seed, tmp_path, here, api, site, postgres_, monkeypatch
):
    draw = random.Random(f"{kind} {seed}")
    days, each = draw.randrange(60, 100), draw.choice((7, 20, 31))
    source = source_of(kind, tmp_path, draw, api, site, postgres_, monkeypatch, days)
    one, other = at(here, tmp_path / "one"), at(here, tmp_path / "other")
    land_all(source, one, spans(one, days, each), batch="")

    found = spans(other, days, each)
    for span in draw.sample(found, draw.randrange(1, len(found) + 1)):
        read_range(source, other, span)
    notes = land_all(source, other, found)
    assert landed(other) == landed(one) and landed(one)
    assert remembered(other) == remembered(one)
    staged = "SELECT * EXCLUDE (_load_id, _read_at, _refine_id) FROM stg_shop.things ORDER BY ALL"
    assert shop.query(other, staged) == shop.query(one, staged)
    assert kind == "files" or not any("read again" in note for note in notes)
    assert not list(Path(other.landing, "shop/_ahead").rglob("*.parquet"))


def of_python(tmp_path, api, monkeypatch, **values):
    return source_of("python", tmp_path, random.Random(1), api, None, None, monkeypatch, 40, **values)


def staged(here):
    return shop.query(here, 'SELECT id, "at" FROM stg_shop.things ORDER BY ALL')


def test_a_range_is_landed_without_asking_the_source(tmp_path, here, api, monkeypatch):
    source = of_python(tmp_path, api, monkeypatch)
    found = spans(here, 40, 10)
    for span in found:
        read_range(source, here, span)
    asked = len(api.requests)
    assert asked == 4
    assert land_all(source, here, found) == [] and len(api.requests) == asked
    read_range(source, here, found[0])
    assert len(api.requests) == asked + 1


def test_a_range_that_is_there_is_not_read_a_second_time(tmp_path, here, api, monkeypatch):
    source, span = of_python(tmp_path, api, monkeypatch), spans(here, 10, 10)[0]
    rows = read_range(source, here, span)
    assert rows["things"] and read_range(source, here, span) == rows and len(api.requests) == 1


def load_of_another_run(source, here, span):
    land(source, here, since=span.since, until=span.until)


def cut_a_file(source, here, span):
    [path] = Path(span.folder).glob("*.parquet")
    path.write_bytes(path.read_bytes()[:-1])


def swap_a_byte(source, here, span):
    [path] = Path(span.folder).glob("*.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lose_a_file(source, here, span):
    [path] = Path(span.folder).glob("*.parquet")
    path.unlink()


def edit_the_contract(source, here, span):
    path = source.folder / "contract.py"
    path.write_text(path.read_text() + "\n# seen\n")


def damage_the_manifest(source, here, span):
    Path(span.folder, "manifest.json").write_text('{"format": 1')


def empty_the_manifest(source, here, span):
    Path(span.folder, "manifest.json").write_text('{"format": 1}')


def write_by_another_release(source, here, span):
    path = Path(span.folder, "manifest.json")
    path.write_text(path.read_text().replace('"format":1', '"format":0').replace('"format": 1', '"format": 0'))


STALE = {
    load_of_another_run: "another run has landed versions of its rows",
    cut_a_file: "is damaged",
    swap_a_byte: "is damaged",
    lose_a_file: "is missing",
    edit_the_contract: "declaration has changed",
    damage_the_manifest: "manifest is damaged",
    empty_the_manifest: "manifest is damaged",
    write_by_another_release: "another release",
}


@pytest.mark.parametrize("happens", STALE, ids=lambda happens: happens.__name__)
def test_a_range_that_cannot_be_believed_is_read_again(happens, tmp_path, here, api, monkeypatch):
    """What the source says by then is what counts."""
    source, found = of_python(tmp_path, api, monkeypatch), spans(here, 20, 10)
    api.things = [{"id": 1, "name": "a", "at": f"{found[0].since:%Y-%m-%d}T00:00:00"}]
    read_range(source, here, found[0])
    happens(source, here, found[0])
    api.things[0]["name"] = "b"
    [note] = land_all(source, here, found[:1])
    assert "2019-11-20 to 2019-11-29 was read ahead, and" in note and STALE[happens] in note and "read again" in note
    *_, newest = landed(here)
    [[_, [row]]] = newest["things"]
    assert json.loads(row["_payload"])["name"] == "b"
    assert list(Path(found[0].folder).iterdir()) == [Path(found[0].folder, "landed")]


def test_a_newer_load_between_a_read_and_its_turn_is_not_covered_by_older_rows(tmp_path, here, api, monkeypatch):
    source, found = of_python(tmp_path, api, monkeypatch), spans(here, 20, 10)
    early, late = f"{found[0].since:%Y-%m-%d}T00:00:00", f"{NOW:%Y-%m-%d}T00:00:00"
    api.things = [{"id": 1, "name": "old", "at": early}, {"id": 2, "name": "x", "at": early}]
    read_range(source, here, found[0])
    api.things[0] |= {"name": "new", "at": late}
    land(source, here)  # the schedule's run
    refine(source, here)
    land_all(source, here, found)
    assert staged(here) == [(1, NOW), (2, found[0].since)]


def test_a_newer_load_of_other_rows_leaves_a_range_as_it_is(tmp_path, here, api, monkeypatch):
    """The schedule goes on while a backfill does, and what it brings are rows of today."""
    source, found = of_python(tmp_path, api, monkeypatch), spans(here, 20, 10)
    early, late = f"{found[0].since:%Y-%m-%d}T00:00:00", f"{NOW:%Y-%m-%d}T00:00:00"
    api.things = [{"id": 1, "name": "old", "at": early}]
    read_range(source, here, found[0])
    api.things.append({"id": 2, "name": "today", "at": late})
    land(source, here)
    cursor = remembered(here)["things"]["cursor"]
    asked = len(api.requests)
    assert land_all(source, here, found[:1]) == [] and len(api.requests) == asked
    assert staged(here) == [(1, found[0].since), (2, NOW)]
    assert remembered(here)["things"]["cursor"] == cursor


def test_a_newer_load_with_keys_of_another_form_makes_a_range_old(tmp_path, here, api, monkeypatch):
    source, [span] = of_python(tmp_path, api, monkeypatch), spans(here, 10, 10)
    api.things = [{"id": 1, "name": "old", "at": f"{span.since:%Y-%m-%d}T00:00:00"}]
    read_range(source, here, span)
    code = source.folder / "extract.py"
    before = code.read_text()
    code.write_text(
        "import pyarrow as pa\ndef things(request, values):\n    yield pa.table({'id': ['1'], 'name': ['new'], 'at': ['2020-03-10']})\n"
    )
    later = load_sources(source.folder.parent)["shop"]
    land(later, here)
    code.write_text(before)
    [note] = land_all(load_sources(source.folder.parent)["shop"], here, [span])
    assert "another run has landed versions of its rows" in note


def test_loads_of_the_batch_itself_do_not_make_its_ranges_old_and_those_of_another_do(tmp_path, here, api, monkeypatch):
    source, found = of_python(tmp_path, api, monkeypatch), spans(here, 40, 10)
    for span in (found[0], found[2], found[3]):
        read_range(source, here, span)
    notes = land_all(source, here, found[:3])  # the second was not read ahead
    assert notes == ["shop: 2019-11-30 to 2019-12-09 was not read ahead; it is read now"]
    other = spans(here, 40, 10, batch="c")
    read_range(source, here, other[3])
    land_all(source, here, found[3:])
    [note] = land_all(source, here, other[3:], batch="c")
    assert "another run has landed versions of its rows" in note


def test_a_run_that_was_landing_when_the_read_began_counts_as_one_that_came_after(tmp_path, here, api, monkeypatch):
    source, [span] = of_python(tmp_path, api, monkeypatch), spans(here, 10, 10)
    newest = Landing.newest

    def overtaken(self, *, after):
        found = newest(self, after=after)
        monkeypatch.setattr(Landing, "newest", newest)
        land(source, here, since=span.since, until=span.until)
        return found

    monkeypatch.setattr(Landing, "newest", overtaken)
    read_range(source, here, span)
    [note] = land_all(source, here, [span])
    assert "another run has landed versions of its rows" in note


def test_what_a_read_goes_by_is_what_the_pieces_before_it_left(tmp_path, here, api, monkeypatch):
    """A team's own code may remember what it likes: a read that did not know what the piece before remembered is done again."""
    source, found = of_python(tmp_path, api, monkeypatch, remembers="yes"), spans(here, 30, 10)
    for span in found:
        read_range(source, here, span)
    notes = land_all(source, here, found)
    assert remembered(here)["things"]["reads"] == 3
    assert len(notes) == 2 and all("what is remembered of the table has changed" in note for note in notes)


def test_of_a_month_in_two_pieces_the_file_that_came_last_counts(tmp_path, here, site, monkeypatch):
    source = shop.source_of(tmp_path, site.url, files=["t_{month}.csv", "t_{month}.parquet"], start="2020-03-01")
    found = spans(here, 20, 5)
    site.files["t_2019-11.csv"] = b"id,name\n1,csv\n"
    read_range(source, here, found[0])
    site.files["t_2019-11.parquet"] = shop.parquet(id=[1], name=["parquet"])
    read_range(source, here, found[1])
    notes = land_all(source, here, found[:2])
    assert any("a file that it goes by has landed since" in note for note in notes)
    assert shop.staged(here, "id, name, file") == [(1, "parquet", "t_2019-11.parquet")]


def test_a_read_that_fails_makes_no_range_and_its_turn_says_why(tmp_path, here, api, monkeypatch):
    source, [span] = of_python(tmp_path, api, monkeypatch), spans(here, 10, 10)
    api.respond = lambda *_: (500, {}, b"")
    with pytest.raises(SourceError) as ahead:
        read_range(source, here, span)
    assert span.read() is None and not list(Path(span.folder).glob("*.parquet"))
    with pytest.raises(SourceError) as turn:
        land_all(source, here, [span])
    assert str(turn.value) == str(ahead.value) and "***" in str(turn.value), "the source has personal data"


@pytest.mark.parametrize("days", [0, 1, 2, 30])
def test_the_present_is_left_to_its_turn(days, tmp_path, here, api, monkeypatch):
    source, last = of_python(tmp_path, api, monkeypatch), NOW - timedelta(days=days)
    span = Range("shop", "b", last - timedelta(days=3), last, here)
    if days >= 2:
        read_range(source, here, span)
        return
    with pytest.raises(RangeError, match="rows may still come"):
        read_range(source, here, span)
    assert land_all(source, here, [span]) == [] and len(api.requests) == 1


def test_a_folder_s_files_have_no_days_and_are_left_to_the_first_piece(tmp_path, here, inbox):
    (inbox / "a.csv").write_text("id,name\n1,a\n")
    source, found = shop.source_of(tmp_path, inbox), spans(here, 20, 10)
    for span in found:
        with pytest.raises(RangeError, match="the first piece reads all new files"):
            read_range(source, here, span)
    assert land_all(source, here, found) == [] and shop.staged(here) == [(1, "a")]


@pytest.mark.parametrize("broken", ["/nowhere/python", "/bin/false"])
def test_readers_that_cannot_be_started_or_end_at_once_leave_pieces_to_their_turn(
    broken, tmp_path, here, api, monkeypatch
):
    source, found = of_python(tmp_path, api, monkeypatch), spans(here, 30, 10)
    monkeypatch.setattr(sys, "executable", broken)
    every = [(span.since, span.until) for span in found]
    with Readers(source, "b", every, 2, here) as readers:
        for days in every:
            trouble = readers.wait(days)
            assert trouble == "its reader was killed" or "could be started" in trouble
    assert api.requests == []


def test_a_range_is_its_owner_s_alone_and_inside_the_source_s_landing(tmp_path, here, api, monkeypatch):
    source, [span] = of_python(tmp_path, api, monkeypatch), spans(here, 10, 10)
    read_range(source, here, span)
    folder = Path(span.folder)
    assert folder.is_relative_to(Path(here.landing, "shop")) and sorted(path.suffix for path in folder.iterdir()) == [
        ".json",
        ".parquet",
    ]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(folder, "manifest.json").stat().st_mode) == 0o600
    assert Landing("shop", here).loads() == [] and not here.workplace("shop").exists()


def test_reading_ahead_leaves_the_place_of_a_run_alone(tmp_path, here, api, monkeypatch):
    source, [span] = of_python(tmp_path, api, monkeypatch), spans(here, 10, 10)
    place = here.workplace("shop") / "reading" / "rows.parquet"
    place.parent.mkdir(parents=True)
    place.write_text("of a run")
    read_range(source, here, span)
    assert place.read_text() == "of a run"


def test_what_a_reader_that_was_killed_left_is_removed_by_the_next(tmp_path, here, api, monkeypatch):
    source, [span] = of_python(tmp_path, api, monkeypatch), spans(here, 10, 10)
    span.begin()
    pq.write_table(pa.table({"x": [1]}), Path(span.folder, "left.parquet"))
    read_range(source, here, span)
    assert not Path(span.folder, "left.parquet").exists()


def test_a_coordinator_that_was_killed_after_the_commit_does_not_land_a_range_twice(tmp_path, here, api, monkeypatch):
    source, [span] = of_python(tmp_path, api, monkeypatch), spans(here, 10, 10)
    read_range(source, here, span)

    def killed(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Range, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            land_all(source, here, [span])
    assert len(Landing("shop", here).loads()) == 1 and not span.has_landed()
    for _ in range(2):
        assert land_all(source, here, [span]) == []
        assert len(Landing("shop", here).loads()) == 1 and span.has_landed()


def test_batches_of_coordinators_that_ended_are_removed_and_no_others(tmp_path, here):
    root = Path(ranges.folder_of("shop", here))
    with own_batch("shop", here) as alive:
        (root / alive / "x").mkdir(parents=True)
        for name in ("own-1-dead", "named", "named-and-old"):
            (root / name / "x").mkdir(parents=True)
        (root / "own-2-killed-at-its-beginning.lock").touch()
        old = datetime.now(UTC).timestamp() - ranges.KEPT - 60
        os.utime(root / "named-and-old", (old, old))
        found = []

        def begin():
            with own_batch("shop", here):
                found.extend(path.name for path in root.iterdir() if path.is_dir())

        thread = threading.Thread(target=begin)
        thread.start()
        thread.join()
        assert sorted(found) == sorted([alive, "named"])
    assert [path.name for path in root.iterdir()] == ["named"]
    remove_batch("shop", "named", here)
    assert not root.exists()


def test_the_next_refine_removes_what_a_killed_backfill_has_read_ahead(tmp_path, here, api, monkeypatch):
    source, found = of_python(tmp_path, api, monkeypatch), spans(here, 20, 10, batch="own-1-dead")
    read_range(source, here, found[0])
    read_range(source, here, spans(here, 20, 10)[1])  # of a batch that has a name: it may be landed yet
    land_all(source, here, found[:1], batch="")
    root = Path(ranges.folder_of("shop", here))
    assert [path.name for path in root.iterdir()] == ["b"]
