"""A data folder and folders of files work wherever they are and whatever they are called; what cannot be used is named."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import settings as configuration
from dlt_sources.door import SourceError, StoreError, land, rebuild, refine
from foundation.place import PlaceError, plain
from settings import SettingsError
from tests.dlt_sources.shop import run, source_of, staged
from tests.needs import lack
from tests.small import Small

NAMES = {
    "blanks": "my data",
    "outer blanks": " data ",
    "brackets": "data [2024]",
    "a range": "d[a-z]t[!x]",
    "braces": "{a,b}",
    "quotes": 'it\'s "data"',
    "percent": "100%",
    "an escape": "a%20b%41",
    "a template": "%s %(x)s %",
    "a hash": "a#b",
    "stars": "**",
    "ampersand": "a&b=c;d",
    "dollar": "$HOME ${x}",
    "backslash": "a\\b\\n",
    "colons": "a::b://c"[:4] + ":d",
    "at": "me@host",
    "plus": "a+b",
    "comma": "a,b",
    "tilde": "~x",
    "umlauts": "Daten für Ü",
    "decomposed": "u\u0308",
    "Greek": "δεδομένα",
    "Chinese": "数据",
    "right to left": "بيانات",
    "emoji": "📦🚀",
    "a line break": "a\nb",
    "tab": "a\tb",
    "200 characters": "x" * 200,
    "200 bytes of text": "é" * 100,
    "a dash": "-rf",
    "dots": "...",
}


def settings_of(folder, monkeypatch, text=None):
    monkeypatch.setenv("ELT_DATA_DIR", text or str(folder))
    monkeypatch.setenv("ELT_NOW", "2020-03-10T12:00:00")
    return configuration.load()


@pytest.mark.slow
@pytest.mark.few(3)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_source_lands_and_is_refined_whatever_the_folders_are_called(tmp_path, monkeypatch, name):
    data, inbox = tmp_path / name / "data", tmp_path / name / "inbox"
    inbox.mkdir(parents=True)
    here = settings_of(data, monkeypatch)
    shop = source_of(tmp_path, inbox, mode="upsert")
    for number in range(2):
        (inbox / f"{number}.csv").write_text(f"id,name\n1,version {number}\n{number + 2},new\n")
        assert run(shop, here) == (2, 2, 0)
    assert staged(here) == [(1, "version 1"), (2, "new"), (3, "new")]
    assert (land(shop, here), refine(shop, here).landed) == ({}, {})  # a load may note how old a file is
    refine(shop, here, since="0")
    assert staged(here)[0] == (1, "version 1")
    assert {path.name for path in tmp_path.iterdir()} == {name, "sources"}  # nothing beside it
    assert {path.name for path in (tmp_path / name).iterdir()} == {"data", "inbox"}
    assert list((data / "lake" / "silver").rglob("*.parquet"))
    assert stat.S_IMODE((data / "lake").stat().st_mode) == 0o700


@pytest.mark.slow
def test_a_read_that_compares_with_the_one_before_works_in_any_folder(tmp_path, monkeypatch):
    import yaml

    from dlt_sources.door import load_sources
    from tests.dlt_sources.test_cursors import CONTRACT, EXTRACT

    here = settings_of(tmp_path / "we[i]rd *%41 #'\"" / "data", monkeypatch)
    shop, rows = tmp_path / "sources" / "shop", tmp_path / "rows.json"
    shop.mkdir(parents=True)
    table = {"contract": "Thing", "key": ["id"], "deletes": "reconcile"}
    declared = {
        "description": "x",
        "owner": "me",
        "schedule": "@daily",
        "connector": "python",
        "tables": {"things": table},
        "connection": {"values": {"rows": str(rows), "log": str(tmp_path / "log")}},
    }
    (shop / "source.yml").write_text(yaml.safe_dump(declared))
    (shop / "contract.py").write_text(CONTRACT.format(kind="datetime", path="None"))
    (shop / "extract.py").write_text(EXTRACT)
    source = load_sources(shop.parent)["shop"]
    for text, expected in (
        ('[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]', [(1, "a"), (2, "b")]),
        ('[{"id": 1, "name": "c"}]', [(1, "c")]),
    ):
        rows.write_text(text)
        land(source, here)
        refine(source, here)
        assert staged(here) == expected
    [seen] = (here.data_dir / "lake" / "landing" / "shop" / "_seen").iterdir()
    assert seen.name.startswith("things.1.")


@pytest.mark.parametrize("kind", ["home", "relative", "a link", "a link to a strange name", "dots"])
def test_a_folder_is_found_by_every_way_to_write_it(tmp_path, monkeypatch, kind):
    (tmp_path / "in [1]").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    root = Path(configuration.__file__).parent
    (tmp_path / "link").symlink_to(tmp_path / ("in [1]" if "strange" in kind else "plain"))
    (tmp_path / "plain").mkdir()
    base = {
        "home": "~",
        "relative": os.path.relpath(tmp_path, root),
        "a link": str(tmp_path / "link"),
        "a link to a strange name": str(tmp_path / "link"),
        "dots": f"{tmp_path}/plain/../plain",
    }[kind]
    here = settings_of(None, monkeypatch, f"{base}/data")
    (Path(os.path.expanduser(base)) if kind != "relative" else tmp_path).joinpath("inbox").mkdir()  # noqa: PTH111
    shop = source_of(tmp_path, f"{base}/inbox", mode="upsert")
    home = Path(base).expanduser() if kind != "relative" else tmp_path
    (home / "inbox" / "a.csv").write_text("id,name\n1,x\n")
    assert run(shop, here) == (1, 1, 0)
    assert (home / "data" / "warehouse.duckdb").exists()


def test_what_duckdb_cannot_open_is_refused(tmp_path, monkeypatch):
    with pytest.raises(SettingsError, match=r"ELT_DATA_DIR .*not UTF-8"):
        settings_of(tmp_path / "a\udcffb" / "data", monkeypatch)
    for name in ("what?", "a?b"):
        with pytest.raises(SettingsError, match=r"ELT_DATA_DIR .*has a `\?` in its path"):
            settings_of(tmp_path / name / "data", monkeypatch)
    (tmp_path / "link").symlink_to(tmp_path / "what?")
    with pytest.raises(SettingsError, match=r"has a `\?`"):
        settings_of(tmp_path / "link" / "data", monkeypatch)


def test_the_link_is_this_users_alone_and_always_leads_to_its_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("foundation.place._LINKS", tmp_path / "tmp")
    (tmp_path / "tmp").mkdir()
    one, other = plain(tmp_path / "a b"), plain(tmp_path / "a c")
    assert one != other and one.resolve() == (tmp_path / "a b").resolve() and plain(tmp_path / "a b") == one
    assert stat.S_IMODE(one.parent.stat().st_mode) == 0o700
    one.unlink()
    one.symlink_to(tmp_path / "a c")  # whoever changed it
    assert plain(tmp_path / "a b").resolve() == (tmp_path / "a b").resolve()
    one.parent.chmod(0o777)
    with pytest.raises(PlaceError, match="is not this user's alone"):
        plain(tmp_path / "a b")
    shutil.rmtree(one.parent)
    (tmp_path / "theirs").mkdir()
    one.parent.symlink_to(tmp_path / "theirs")
    with pytest.raises(PlaceError, match="is not this user's alone"):
        plain(tmp_path / "a b")
    assert plain(tmp_path / "plain") == tmp_path / "plain"


@pytest.mark.slow
def test_a_moved_or_copied_folder_says_so_and_the_rebuild_it_names_puts_it_right(tmp_path, monkeypatch):
    (tmp_path / "inbox").mkdir()
    here = settings_of(tmp_path / "one", monkeypatch)
    shop = source_of(tmp_path, tmp_path / "inbox", mode="upsert")
    (tmp_path / "inbox" / "a.csv").write_text("id,name\n1,a\n")
    run(shop, here)
    for act, target in ((shutil.copytree, "two"), (shutil.move, "three [3]")):
        act(tmp_path / "one", tmp_path / target)
        there = settings_of(tmp_path / target, monkeypatch)
        assert land(shop, there) == {}
        (tmp_path / "inbox" / f"{target}.csv").write_text(f"id,name\n{len(target)},{target[:3]}\n")
        assert land(shop, there) == {"things": 1}
        with pytest.raises(StoreError, match=r"was moved or copied: .*run `python runner.py rebuild shop`"):
            refine(shop, there)
        rebuild(shop, [], there, progress=lambda text: None)
        assert staged(there)[0] == (1, "a") and len(staged(there)) == 2
        assert refine(shop, there).loads == []
        (tmp_path / "inbox" / f"{target} 2.csv").write_text("id,name\n99,z\n")
        assert run(shop, there)[0] == 1
        (tmp_path / "inbox" / f"{target} 2.csv").unlink()
        (tmp_path / "inbox" / f"{target}.csv").unlink()
    assert not (tmp_path / "one").exists()


def test_a_folder_of_files_that_is_not_there_is_named(tmp_path, monkeypatch):
    here = settings_of(tmp_path / "data", monkeypatch)
    shop = source_of(tmp_path, tmp_path / "no [where] %41", mode="upsert")
    with pytest.raises(SourceError) as error:
        land(shop, here)
    assert str(tmp_path / "no [where] %41") in str(error.value)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
def test_a_terminal_of_few_characters_gets_replacements(tmp_path, encoding):
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONIOENCODING": encoding,
        "LANG": "C",
        "TERM": "dumb",
        "PYTHONUTF8": "0",
        "ELT_DATA_DIR": str(tmp_path / "data"),
    }
    code = (
        "from foundation.visible import replace_what_cannot_be_shown as f; f(); from foundation.console import Console\n"
        "with Console().step('land', 'é·📦') as s: s.done({'a': 1, 'b': 2})\n"
        "Console().table('T·', [{'n': 'ü数'}], ''); Console().json({'a': '数·'}); Console(True).json({'a': '数'})\n"
        "Console().problem('·数')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=configuration.ROOT, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    said = done.stdout.decode(encoding)
    assert "a 1" in said and "b 2" in said
    assert "数" in __import__("json").loads(said[said.index("{") : said.index("}") + 1])["a"]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("places")
    hostile = folder / "we ird [a-z]{b} *%41#q'\"é😀$HOME "
    return Small(folder, "shop", data=hostile / "da ta*", drop=hostile / "drop[1]")


@pytest.mark.slow
def test_the_whole_flow_in_a_hostile_place(small):
    small.deliver("shop", "a.csv", "1,one", "2,", "3,three")
    small.run("run", "--now", PYTHONIOENCODING="ascii", LANG="C", PYTHONUTF8="0")
    assert small.gold("shop") == [(1, "one"), (3, "three")]
    status = small.status()
    assert [row["exit_code"] for row in status["runs"]] == [0] and status["tables"][0]["rejected"] == 1
    assert " name   string_type " in small.run("rejected").stdout
    small.run("replay", "shop", "--rejected")
    small.run("check")
    assert str(small.data) in small.run("doctor").stdout.replace("\n", "")
    small.deliver("shop", "b.csv", "1,ONE")
    small.run("run", "shop")
    assert small.gold("shop") == [(1, "ONE"), (3, "three")]
    moved = small.data.with_name("moved")
    small.data.rename(moved)
    small.data, small.environment["ELT_DATA_DIR"] = moved, str(moved)
    small.deliver("shop", "c.csv", "4,four")
    said = small.run("run", "shop", code=4).stderr
    assert "was moved or copied" in said and "python runner.py rebuild shop" in said and "Traceback" not in said
    small.run("rebuild", "shop")
    small.run("run", "shop")
    assert small.gold("shop")[-1] == (4, "four")


@pytest.mark.few(2)
@pytest.mark.slow
@pytest.mark.parametrize(
    "way", ["a file for lake", "a file for dlt", "a file for serving", "a folder for the warehouse"]
)
def test_what_is_in_the_way_is_named_with_exit_code_4(tmp_path, small, way):
    data = tmp_path / "data"
    data.mkdir()
    name = {"a file for lake": "lake", "a file for dlt": "dlt", "a file for serving": "serving"}.get(way)
    (data / name).write_text("") if name else (data / "warehouse.duckdb").mkdir()
    done = small.run("run", "--now", code=4, ELT_DATA_DIR=str(data))
    assert str(data / (name or "warehouse.duckdb")) in done.stderr and "Traceback" not in done.stderr


@pytest.mark.few(1)
@pytest.mark.slow
@pytest.mark.parametrize("what", ["data", "data/lake", "data/run.lock"])
def test_what_may_not_be_written_is_named_with_exit_code_4(tmp_path, small, what):
    if os.getuid() or not shutil.which("chattr"):
        lack("only root with chattr can make a folder that it may not write itself", "run the tests as root")
    path = tmp_path / what
    (tmp_path / "data" / "lake").mkdir(parents=True)
    if path.suffix:
        path.write_text("")
    if subprocess.run(["chattr", "+i", path], capture_output=True).returncode:
        lack("the file system knows no immutable files", "run the tests on ext4 or xfs")
    try:
        done = small.run("run", "--now", code=4, ELT_DATA_DIR=str(tmp_path / "data"))
    finally:
        subprocess.run(["chattr", "-i", path], check=True)
    assert str(path) in done.stderr and "Traceback" not in done.stderr
