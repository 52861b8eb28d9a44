"""A file that somebody drops is data: its name is not a path, its size is bounded, a link leads nowhere."""

import gzip
import io
import json
import os
import unicodedata
import zipfile

import numpy
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlt_sources.door import SourceError, land, refine
from foundation.visible import visible
from tests.dlt_sources.shop import HEAD, parquet, query, refined, run, source_of, staged
from tests.security.hostile import Server, api_of, listing

GOOD = HEAD + "1,a\n"


@pytest.fixture
def shop(tmp_path, inbox):
    (inbox / "good.csv").write_text(GOOD)
    return source_of(tmp_path, inbox)


def refused(shop, here, why, landed=1):
    """One file is refused with a reason; the good one beside it lands."""
    with pytest.raises(SourceError, match=why) as error:
        land(shop, here)
    assert refined(shop, here) == (landed, 0)
    return str(error.value)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path, here, inbox, shop):
    secret = tmp_path / "secret.csv"
    secret.write_text(HEAD + "99,theirs\n")
    (inbox / "z.csv").symlink_to(secret)
    (inbox / "zz.csv").symlink_to(inbox / "good.csv")  # inside
    assert "z.csv: it is a link to somewhere else" in refused(shop, here, "link to somewhere else", landed=2)
    assert "theirs" not in str(staged(here))


def test_a_folder_that_is_itself_a_link_is_read(tmp_path, here, inbox):
    (tmp_path / "way").symlink_to(inbox)
    (inbox / "good.csv").write_text(GOOD)
    assert run(source_of(tmp_path, tmp_path / "way"), here) == (1, 1, 0)


def test_a_broken_link_or_a_pipe_holds_nobody_up(here, inbox, shop):
    os.mkfifo(inbox / "a.csv")
    (inbox / "b.csv").symlink_to(inbox / "nowhere.csv")
    (inbox / "c.csv").symlink_to(inbox / "a.csv")
    refused(shop, here, "b.csv: .*not a file")


def test_a_large_file_is_refused_before_it_fills_the_disk(tmp_path, here, inbox):
    (inbox / "good.csv").write_text(GOOD)
    with (inbox / "large.csv").open("wb") as file:
        file.truncate(10**12)  # a terabyte of nothing
    shop = source_of(tmp_path, inbox, {"max_megabytes": 2})
    refused(shop, here, r"large.csv: more than 2 MB.*`max_megabytes`")


@pytest.mark.parametrize("ending", ["zip", "zst", "tar.gz", "ZIP"])
def test_archives_are_refused_by_their_name(here, inbox, shop, ending):
    (inbox / f"a.csv.{ending}").write_bytes(gzip.compress(GOOD.encode()))
    refused(shop, here, f"a.csv.{ending}: archives are not unpacked; deliver the .csv, .jsonl, .* or .parquet itself")


def test_archives_under_another_name_are_not_unpacked(here, inbox, shop):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../etc/cron.d/x", GOOD)
    (inbox / "a.csv").write_bytes(gzip.compress(GOOD.encode()))
    (inbox / "b.csv").write_bytes(packed.getvalue())
    (inbox / "c.parquet").write_bytes(packed.getvalue())
    said = refused(shop, here, "a.csv: it is not CSV")
    assert "b.csv: it is not CSV" in said and "c.parquet: it cannot be read" in said


def bomb(kind):
    """A small Parquet file that means gigabytes: a long value stands there once and is meant a thousand times."""
    long = pa.array([f"{n}{'x' * 5_000_000}" for n in range(4)], pa.large_string())
    text = pa.DictionaryArray.from_arrays(pa.array(numpy.arange(1000) % 4), long)
    if kind == "in lists":
        text = pa.ListArray.from_arrays(pa.array(range(1001), pa.int32()), text)
    if kind == "in structures":
        text = pa.StructArray.from_arrays([text], ["inside"])
    if kind == "rows":
        text = pa.nulls(1000).cast(pa.int64())
    sink = pa.BufferOutputStream()
    ids = pa.array(range(1000))
    with pq.ParquetWriter(
        sink,
        pa.schema([("id", ids.type), ("name", text.type)]),
        compression="zstd",
        write_statistics=False,
        dictionary_pagesize_limit=2**30,
    ) as writer:
        for _ in range(1000 if kind == "rows" else 1):
            writer.write_table(pa.table({"id": ids, "name": text}))
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("kind", ["texts", "in lists", "in structures"])
def test_a_parquet_file_is_measured_unpacked(tmp_path, here, inbox, kind):
    (inbox / "bomb.parquet").write_bytes(bomb(kind))
    (inbox / "good.csv").write_text(GOOD)
    assert (inbox / "bomb.parquet").stat().st_size < 200_000
    shop = source_of(tmp_path, inbox, {"max_unpacked_megabytes": 1000})
    refused(
        shop,
        here,
        r"bomb.parquet: (its values are 5,\d\d\d MB long, more than 1000.*`max_unpacked|it cannot be read \(Out of Memory)",
    )


def test_rows_count_too(tmp_path, here, inbox):
    (inbox / "rows.parquet").write_bytes(bomb("rows"))
    (inbox / "good.csv").write_text(GOOD)
    refused(source_of(tmp_path, inbox, {"max_unpacked_megabytes": 10}), here, "rows.parquet: its values are 16 MB long")


def nested(depth):
    inside = pa.array([1])
    for _ in range(depth):
        inside = pa.StructArray.from_arrays([inside], ["x"])
    return parquet(id=[1], name=["a"], deep=inside)


def test_a_table_that_is_endless_to_the_right_or_downwards_is_refused(here, inbox, shop):
    (inbox / "wide.csv").write_text(",".join(f"c{n}" for n in range(50_000)) + "\n")
    (inbox / "named.csv").write_text(f"id,name,{'x' * 500}\n1,a,b\n")
    (inbox / "wide.parquet").write_bytes(parquet(**{f"c{n}": [1] for n in range(3_000)}))
    (inbox / "deep.parquet").write_bytes(nested(900))
    said = refused(shop, here, "wide.csv: 50000 columns.*that is not a table")
    assert all(name in said for name in ("named.csv", "wide.parquet", "deep.parquet")) and "good.csv" not in said


def test_a_line_of_many_cells_is_one_rejected_row(here, inbox, shop):
    (inbox / "commas.csv").write_text(HEAD + "1,b\n" + "," * 900_000 + "\n2,c\n")
    assert run(shop, here) == (4, 3, 1)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r"), min_size=1, max_size=30).filter(
    lambda name: name.strip() and not name.startswith("\ufeff")
)


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=st.lists(NAMES, min_size=1, max_size=4, unique_by=str.lower))
def test_a_column_s_name_is_not_sql(tmp_path_factory, monkeypatch, names):
    """Any header lands, or is refused with a reason; nothing of it is taken for a statement."""
    import csv

    import settings as configuration

    folder = tmp_path_factory.mktemp("names")
    monkeypatch.setenv("ELT_DATA_DIR", str(folder / "data"))
    here = configuration.load()
    (folder / "inbox").mkdir()
    names = [name for name in names if name.lower() not in ("id", "name", "file", "code", "title")] or ['"; DROP']
    with (folder / "inbox" / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "name", *names], [1, "a", *range(len(names))]])
    try:
        assert run(source_of(folder, folder / "inbox"), here) == (1, 1, 0)
    except SourceError as error:
        assert "columns named" in str(error)  # the few that rows use themselves
    else:
        assert staged(here) == [(1, "a")]


HOSTILE = [
    'x"; DROP SCHEMA stg_shop CASCADE; --',
    "x'); COPY (SELECT 1) TO '/tmp/pwned' --",
    "a b",
    "select",
    "${HOME}",
    "%s",
    ":x",
    "a\tb",
    "..",
    "/etc/passwd",
]


def test_columns_with_hostile_names_land_from_csv_and_parquet(here, inbox, shop):
    cells = {name: ["1"] for name in HOSTILE}
    (inbox / "b.parquet").write_bytes(parquet(id=[2], name=["b"], **cells))
    quoted = ",".join('"' + name.replace('"', '""') + '"' for name in HOSTILE)
    (inbox / "c.csv").write_text(f"id,name,{quoted}\n3,c{',1' * len(HOSTILE)}\n")
    assert run(shop, here) == (3, 3, 0)
    assert staged(here) == [(1, "a"), (2, "b"), (3, "c")]


@pytest.mark.parametrize(
    "name",
    [
        "$(touch pwned).csv",
        "-rf.csv",
        "a;b.csv",
        "\x1b]0;owned\x07.csv",
        "*.csv",
        "a\\b.csv",
        "'; DROP TABLE x; --.csv",
    ],
)
def test_a_file_s_name_is_only_a_name(tmp_path, here, inbox, name):
    (inbox / name).write_text(GOOD)
    (inbox / "other.csv").write_text(HEAD + "2,b\n")
    shop = source_of(tmp_path, inbox)
    assert run(shop, here) == (2, 2, 0)
    assert (name,) in query(here, "SELECT file FROM stg_shop.things")
    assert not list(tmp_path.rglob("pwned"))


CLIMBING = "\x1b]52;c;cm0gLXJm\x07\x9b2J\u202egnp.exe\r"


def test_nothing_of_a_source_is_a_command_to_a_terminal(tmp_path, here, inbox):
    (inbox / f"{CLIMBING}.csv").write_text("no header that fits\n1\n")
    shop = source_of(tmp_path, inbox)
    with pytest.raises(SourceError) as error:
        land(shop, here)
    assert str(error.value).isprintable() and r"\u001b]52" in str(error.value)
    (inbox / f"{CLIMBING}.csv").unlink()
    (inbox / "a.csv").write_text(f'id,name\n{CLIMBING[:-1]},"x"\n1,a,{CLIMBING[:-1]}\n', newline="")
    assert run(shop, here) == (2, 0, 2)
    for raw, message, errors in query(here, "SELECT raw, message, errors FROM stg_shop._rejected"):
        assert raw.isprintable() and message.isprintable() and errors.isprintable()
        assert json.loads(raw) and json.loads(errors)
    assert CLIMBING[:-1] in {json.loads(raw).get("id") for (raw,) in query(here, "SELECT raw FROM stg_shop._rejected")}


_TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@given(st.text())
def test_what_is_visible_means_the_same_in_json(text):
    shown = visible(json.dumps(text, ensure_ascii=False))
    assert json.loads(shown) == text
    assert not {c for c in shown if unicodedata.category(c) == "Cc" or unicodedata.bidirectional(c) in _TURNS}


def depth(levels):
    record = {"id": 1, "name": "a"}
    for _ in range(levels):
        record = {"id": 1, "inside": record}
    return record


@pytest.mark.parametrize(
    "record",
    [
        depth(200),
        depth(300),
        {"id": 1, **{f"k{n}": n for n in range(100_000)}},
        {"id": 1, '"; DROP': 1, "a\0b": 2, "": 3, "x" * 100_000: 4, "\ud800": 5},
        {"id": "1"},
    ],
    ids=["nested 200", "nested 300", "100,000 keys", "odd keys", "text that is a number"],
)
def test_a_record_that_lands_is_judged(tmp_path, here, record):
    """A record that lands and cannot be refined would stop its source for good."""
    with Server(lambda path, headers: listing(record, {"id": 2})).serve() as server:
        shop = api_of(tmp_path, server.url)
        assert land(shop, here) == {"things": 2}
        done = refine(shop, here)
    assert done.accepted["things"] + done.rejected["things"] == 2 and done.accepted["things"] >= 1
