"""Damaged files of every kind: refused by name or rejected by line, and nothing of the others is lost."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from fsspec.implementations.local import LocalFileOpener

from dlt_sources._steps.land.connectors import stored
from dlt_sources.door import SourceError, land
from foundation.exits import exit_code
from tests.dlt_sources.shop import HEAD, parquet, query, refined, run, source_of, staged

WHOLE = parquet(id=[2], name=["whole"])
REFUSED = {
    "cut.parquet": (WHOLE[:-50], "cannot be read .*deliver it again"),
    "half.parquet": (WHOLE[: len(WHOLE) // 2], "cannot be read .*deliver it again"),
    "damaged page.parquet": (WHOLE[:4] + b"\xff" * 60 + WHOLE[64:], "cannot be read .*deliver it again"),
    "text.parquet": (b"<html>Access denied</html>", "cannot be read .*deliver it again"),
    "column missing.parquet": (parquet(id=[2]), r'no column name or title \(for Thing\.name\); it has "id"'),
    "parquet.csv": (WHOLE, "not CSV in UTF-8"),
    "another kind.json": (b'{"id": 1}', "not a .parquet, .csv, .tsv, .txt, .csv.gz, .jsonl, .jsonl.gz or .xlsx file"),
    "empty.csv": (b"", "the file is empty; deliver it again"),
    "empty.parquet": (b"", "the file is empty; deliver it again"),
    "an empty line.csv": (b"\n", "header|cannot be read|no column"),
    "renamed.csv": (b"id,label\n2,x\n", r'no column name or title \(for Thing\.name\); it has "id", "label"'),
    "repeated.csv": (b"id,name,NAME\n2,x,y\n", "empty or repeated names: id, name, NAME"),
    "hole.csv": (b"id,,name\n2,x,y\n", "empty or repeated names"),
    "latin-1 header.csv": ("id,name,größe\n2,x,y\n".encode("latin-1"), "not a header row in UTF-8"),
    "quote.csv": (b'id,name\n1,a\n2,"b" x\n3,c\n', "line 3: .*quote"),
    "long.csv": (b"id,name\n1,a\n2," + b"b" * 2_000_000 + b"\n3,c\n", "line 3: Maximum line size"),
    "utf-16.csv": ("id,name\n2,x\n".encode("utf-16"), "UTF-16"),
    "web page.csv": (b"<!DOCTYPE html>\n<html></html>\n", "no column id"),
    "delimiter.csv": (b"id;name\n2;x\n", "no column id"),
    "old mac.csv": (b"id,name\r2,x\r", "header|no column"),
}


def test_damaged_files_are_refused_by_name_the_others_land_and_they_land_when_they_are_whole(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    for name, (content, _) in REFUSED.items():
        (inbox / name).write_bytes(content)
    for good, number in (("a.csv", 1), ("z.csv", 3)):
        (inbox / good).write_text(HEAD + f"{number},good\n")
    for _ in range(2):  # it says so until somebody does something about it
        with pytest.raises(SourceError, match=r"^shop: .*the next run tries these again$") as error:
            land(shop, here)
        said = str(error.value)
        assert not [
            (n, why) for n, (_, why) in REFUSED.items() if not re.search(rf"[ ;]{re.escape(n)}: [^;]*({why})", said)
        ]
        assert str(tmp_path) not in said
    assert refined(shop, here) == (2, 0)
    assert staged(here) == [(1, "good"), (3, "good")]
    for name in REFUSED:
        whole = parquet(id=[2], name=[name]) if name.endswith("parquet") else f"{HEAD}2,{name}\n".encode()
        (inbox / name).unlink() if name.endswith("json") else (inbox / name).write_bytes(whole)
    assert run(shop, here) == (len(REFUSED) - 1, len(REFUSED) - 1, 0)
    assert len(staged(here)) == len(REFUSED) + 1
    assert land(shop, here) == {}


def test_a_file_with_a_header_only_is_fine(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    (inbox / "a.csv").write_text(HEAD)
    (inbox / "b.csv").write_text("id,name")
    (inbox / "c.parquet").write_bytes(parquet(id=pa.array([], pa.int64()), name=pa.array([], pa.string())))
    assert run(shop, here) == (0, 0, 0)
    assert land(shop, here) == {}


REJECTED = {
    "few.csv": (b"id,name,code\n1,a,1\n2,b\n3,c,3\n", "line 3", "2,b"),
    "many.csv": (b"id,name\n1,a\n2,b,c,d\n3,c\n", "line 3", "2,b,c,d"),
    "latin-1.csv": ("id,name\n1,a\n2,größe\n3,c\n".encode("latin-1"), "line 3", "2,gr"),
    "cut.csv": (b"id,name\n1,a\n3,c\n2", "line 4", "2"),
    "windows.csv": (b"id,name\r\n1,a\r\n2\r\n3,c\r\n", "line 3", "2"),
}


def test_a_line_that_is_not_a_row_is_rejected_whole_and_the_others_are_accepted(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    for name, (content, _, _) in REJECTED.items():
        (inbox / name).write_bytes(content)
    files = len(REJECTED)
    assert run(shop, here) == (3 * files, 2 * files, files)
    assert staged(here) == [(1, "a")] * files + [(3, "c")] * files
    found = query(here, "SELECT raw ->> '_file', rule, message, raw FROM stg_shop._rejected")
    for name, rule, message, raw in found:
        _, where, line = REJECTED[name]
        assert rule == "malformed_line" and where in message and line in raw
    assert sorted(row[0] for row in found) == sorted(REJECTED)
    for name in REJECTED:
        (inbox / name).write_text(HEAD + f"1,a\n2,{name}\n3,c\n")
    assert run(shop, here) == (3 * files, 3 * files, 0)
    assert staged(here) == [(1, "a")] * files + [(2, name) for name in sorted(REJECTED)] + [(3, "c")] * files


def test_no_line_is_lost_among_many_bad_ones(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    bad = {0: "{},too,many", 1: "{}", 2: "{},gr\xfc\xdfe"}
    lines = [bad[n // 7 % 3].format(n) if n % 7 == 0 else f"{n},{'x' * (n % 90)}" for n in range(1, 200_001)]
    (inbox / "a.csv").write_bytes((HEAD + "\n".join(lines) + "\n").encode("latin-1"))
    assert run(shop, here) == (200_000, 200_000 - 28_571, 28_571)
    found = query(here, "SELECT regexp_extract(message, '^line (\\d+)', 1)::INT FROM stg_shop._rejected ORDER BY 1")
    assert [line for (line,) in found] == [n + 1 for n in range(7, 200_001, 7)]


@pytest.mark.parametrize("lines", [20_000, 1_000_000])
def test_a_quote_that_is_never_closed_loses_no_line(tmp_path, here, inbox, lines):
    shop = source_of(tmp_path, inbox)
    (inbox / "a.csv").write_text(HEAD + '1,a\n2,"b\n' + "".join(f"{n},{'c' * 50}\n" for n in range(3, lines + 1)))
    with pytest.raises(SourceError, match=r"a\.csv: line 3: .*quote"):
        land(shop, here)


def test_cells_are_kept_as_they_are(tmp_path, here, inbox):
    shop = source_of(tmp_path, inbox)
    cells = ["NA", "null", "N/A", " x ", "a,b", 'say "hi"', "two\nlines", "'", "\\", "\\n", "0012", "1.50", "é🎉", "#"]
    lines = [f'{n},"{cell.replace(chr(34), chr(34) * 2)}"' for n, cell in enumerate(cells, 1)]
    lines += ["20,NA", "21,", '22,""', "23,true"]
    (inbox / "a.csv").write_bytes(b"\xef\xbb\xbf" + (HEAD + "\n".join(lines) + "\n").encode())
    assert run(shop, here) == (len(lines), len(lines), 0)
    want = [*enumerate(cells, 1), (20, "NA"), (21, None), (22, None), (23, "true")]
    assert staged(here) == want


def test_a_file_that_grows_while_it_is_read_is_read_when_it_is_whole(tmp_path, here, inbox, monkeypatch):
    shop = source_of(tmp_path, inbox)
    (inbox / "a.csv").write_text(HEAD + "1,a\n")
    (inbox / "b.csv").write_text(HEAD + "2,b\n")
    whole = stored._pieces

    def and_grow(source, path):
        yield from whole(source, path)
        if path.endswith("b.csv"):
            with (inbox / "b.csv").open("a") as file:
                file.write("3,c\n")

    monkeypatch.setattr(stored, "_pieces", and_grow)
    with pytest.raises(SourceError, match=r"b\.csv: it changed while it was read"):
        land(shop, here)
    refined(shop, here)
    assert staged(here) == [(1, "a")]  # the other file has landed
    monkeypatch.undo()
    run(shop, here)
    assert staged(here) == [(1, "a"), (2, "b"), (3, "c")]


HUGE = """
import resource, sys, settings
from pathlib import Path
from dlt_sources.door import SourceError, load_sources, land
try:
    land(load_sources(Path(sys.argv[1]))["shop"], settings.load())
except SourceError as error:
    print(error, file=sys.stderr)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_a_cell_of_20_megabytes_is_refused_in_little_memory(tmp_path, here, inbox):
    source_of(tmp_path, inbox)
    megabytes, said = [], ""
    for content in (b"id,name\n1,a\n", b"id,name\n1,a\n2," + b"x" * 20_000_000 + b"\n3,c\n"):
        (inbox / "a.csv").write_bytes(content)
        done = subprocess.run(
            [sys.executable, "-c", HUGE, str(tmp_path / "sources")], capture_output=True, text=True, cwd=Path.cwd()
        )
        megabytes.append(int(done.stdout))
        said = done.stderr
    assert "a.csv: line 3: Maximum line size of 1000000 bytes exceeded" in said
    assert megabytes[1] - megabytes[0] < 300


def test_a_disk_of_a_source_that_fails_is_the_source_s_trouble(tmp_path, here, inbox, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    (inbox / "a.csv").write_text(f"{HEAD}1,good\n")
    monkeypatch.setattr(LocalFileOpener, "read", fail, raising=False)
    with pytest.raises(SourceError, match=r"Input/output error.*a\.csv") as error:
        land(source_of(tmp_path, inbox), here)
    assert exit_code(error.value) == 3
