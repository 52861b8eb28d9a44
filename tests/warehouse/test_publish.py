"""Publish switches whole versions."""

import os
import shutil
import tempfile
from pathlib import Path

import duckdb
import pytest

import settings as configuration
from tests.forks import run_as_nobody
from warehouse.publish import publish


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    return configuration.load()


def fill(here, number):
    here.data.mkdir(exist_ok=True)
    with duckdb.connect(str(here.warehouse)) as con:
        for domain in ("music", "taxi", "ops"):
            con.execute(
                f"CREATE SCHEMA IF NOT EXISTS {domain}; CREATE OR REPLACE TABLE {domain}.t AS SELECT {number} AS n"
            )
            con.execute(f"CREATE OR REPLACE VIEW {domain}.v AS SELECT n + 1 AS n FROM warehouse.{domain}.t")


def catalog(path):
    """The name that a client sees of the database behind a path."""
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute("SELECT current_database()").fetchone()[0]


def served(here):
    with duckdb.connect(str(here.serving.resolve()), read_only=True) as con:
        return {d: con.execute(f"SELECT t.n, v.n FROM {d}.t, {d}.v").fetchone() for d in ("music", "taxi", "ops")}


def test_only_the_named_domains_change(here):
    fill(here, 1)
    assert publish({"music", "taxi", "ops"}, here).rows == {"music": 2, "ops": 2, "taxi": 2}
    fill(here, 5)
    publish({"music", "ops"}, here)
    assert served(here) == {"music": (5, 6), "taxi": (1, 2), "ops": (5, 6)}


def test_a_failed_publish_leaves_the_old_version(here, monkeypatch):
    fill(here, 1)
    publish({"music", "taxi", "ops"}, here)
    fill(here, 2)
    monkeypatch.setattr("warehouse.publish_file._switch", lambda link, target: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publish({"music", "taxi", "ops"}, here)
    assert served(here)["music"] == (1, 2)


def test_two_versions_stay_and_a_moved_folder_still_serves(here, tmp_path, monkeypatch):
    for number in range(4):
        fill(here, number)
        publish({"music", "taxi", "ops"}, here)
    assert len(list((here.data / "serving").iterdir())) == 2
    here.data.rename(tmp_path / "elsewhere")
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "elsewhere"))
    assert served(configuration.load())["music"] == (3, 4)


def test_an_open_reader_keeps_its_version_and_a_new_one_sees_the_new(here):
    fill(here, 1)
    publish({"music", "taxi", "ops"}, here)
    with duckdb.connect(str(here.serving.resolve()), read_only=True) as reader:
        fill(here, 2)
        publish({"music", "taxi", "ops"}, here)
        assert reader.execute("SELECT n FROM music.t").fetchone() == (1,)
        assert served(here)["music"] == (2, 3)


def test_files_of_somebody_else_beside_the_versions_stay(here):
    versions = here.data / "serving"
    versions.mkdir(parents=True)
    (versions / "0").mkdir()
    for name in ("mine.duckdb", "0.duckdb", "zz.duckdb", "mine.new", "notes.txt", "0/kept"):
        (versions / name).write_text("mine")
    for number in range(4):
        fill(here, number)
        publish({"music", "taxi", "ops"}, here)
        assert served(here)["music"] == (number, number + 1)
    others = {path.name for path in versions.rglob("*") if path.is_file() and path.read_bytes() == b"mine"}
    assert others == {"mine.duckdb", "0.duckdb", "zz.duckdb", "mine.new", "notes.txt", "kept"}
    assert len(list(versions.iterdir())) == 2 + len(others)


def test_every_client_sees_one_catalog_name_whichever_version_it_reads_and_by_whichever_path(here):
    versions, query = here.data / "serving", "SELECT n FROM serving.music.t"
    for number in range(3):
        fill(here, number)
        publish({"music", "taxi", "ops"}, here)
        with duckdb.connect(str(here.serving), read_only=True) as by_link:
            assert by_link.execute(query).fetchone() == (number,)
    paths = [here.serving, here.serving.resolve(), *versions.rglob("*.duckdb")]
    assert [catalog(path) for path in paths] == ["serving"] * 4
    with duckdb.connect() as shell:
        shell.execute(f"ATTACH '{here.serving}' (READ_ONLY)")
        assert shell.execute(query).fetchone() == (2,)


def test_versions_that_were_files_are_taken_over(here):
    fill(here, 1)
    publish({"music", "taxi", "ops"}, here)
    (version,) = (here.data / "serving").iterdir()  # as it was before versions were folders
    old = version.with_suffix(".duckdb")
    (version / "serving.duckdb").rename(old)
    version.rmdir()
    here.serving.unlink()
    here.serving.symlink_to(old.relative_to(here.data))
    for number in (2, 3):
        fill(here, number)
        publish({"music", "ops"}, here)
        assert served(here) == {"music": (number, number + 1), "taxi": (1, 2), "ops": (number, number + 1)}
    assert not old.exists() and len(list((here.data / "serving").iterdir())) == 2


def test_what_a_killed_publish_left_is_removed(here, monkeypatch):
    fill(here, 1)
    publish({"music", "taxi", "ops"}, here)
    with monkeypatch.context() as context, pytest.raises(ZeroDivisionError):
        context.setattr("warehouse.publish_file._sync", lambda path: 1 / 0)
        publish({"music"}, here)
    (here.data / "serving" / f"{7:020d}.new").write_text("a draft of when versions were files")
    publish({"music"}, here)
    assert served(here)["music"] == (1, 2) and len(list((here.data / "serving").iterdir())) == 2


def test_nobody_can_write_a_version_and_all_can_read_it(here, monkeypatch):
    fill(here, 0)
    publish({"music", "taxi", "ops"}, here)
    assert here.serving.stat().st_mode & 0o222 == 0
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    monkeypatch.setenv("ELT_DATA_DIR", str(folder / "data"))
    there = configuration.load()

    def work():
        for number in range(4):
            fill(there, number)
            publish({"music", "taxi", "ops"}, there)
            assert served(there)["music"] == (number, number + 1)
            with pytest.raises(duckdb.IOException, match="Permission denied"):
                duckdb.connect(str(there.serving))
            with duckdb.connect() as shell:
                with pytest.raises(duckdb.IOException, match="Permission denied"):
                    shell.execute(f"ATTACH '{there.serving}'")
                shell.execute(f"ATTACH '{there.serving}' (READ_ONLY)")
        assert len(list((there.data / "serving").iterdir())) == 2
        shutil.rmtree(there.data)  # as `make clean` and the demo do

    try:
        run_as_nobody(work)
    finally:
        shutil.rmtree(folder)


def writable(path):
    """A version that its owner may write, as they were once."""
    path.chmod(0o644)
    return path


LOSSES = {
    "the folder": lambda here: shutil.rmtree(here.data / "serving"),
    "the folder and the link": lambda here: (shutil.rmtree(here.data / "serving"), here.serving.unlink()),
    "the newest version": lambda here: shutil.rmtree(here.serving.resolve().parent),
    "the newest file": lambda here: here.serving.resolve().unlink(),
    "the link": lambda here: here.serving.unlink(),
    "its content": lambda here: writable(here.serving.resolve()).write_bytes(b""),
    "half of its content": lambda here: os.truncate(writable(here.serving.resolve()), here.serving.stat().st_size // 2),
    "its header": lambda here: writable(here.serving.resolve()).write_bytes(b"x" * 20_000),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("held", [(), ("taxi",)])
def test_what_was_published_and_is_lost_is_restored(here, loss, held):
    for number in (1, 2):
        fill(here, number)
        publish({"music", "taxi", "ops"}, here)
    LOSSES[loss](here)
    fill(here, 3)
    done = publish({"ops"}, here, held)
    assert done.rows == {"ops": 2} and done.restored == sorted({"music", "taxi"} - set(held)) and done.damaged
    if not held:
        assert served(here) == {"music": (3, 4), "taxi": (3, 4), "ops": (3, 4)}
    elif done.missing:  # no version is left that has it
        assert done.missing == ["taxi"] and "folder" in loss
        assert publish({"taxi", "ops"}, here).missing == [] and served(here)["taxi"] == (3, 4)
    else:
        assert served(here)["taxi"] in ((1, 2), (2, 3))
    again = publish({"ops"}, here)
    assert not again.damaged and not again.missing and not again.restored


def test_a_domain_that_is_missing_is_restored_and_one_without_models_is_forgotten(here):
    fill(here, 1)
    publish({"music", "taxi", "ops"}, here)
    with duckdb.connect(str(writable(here.serving.resolve()))) as con:
        con.execute("DROP SCHEMA music CASCADE; DROP SCHEMA taxi CASCADE")
    with duckdb.connect(str(here.warehouse)) as con:
        con.execute("DROP SCHEMA taxi CASCADE")
    done = publish({"ops"}, here)
    assert (done.restored, done.missing, done.damaged) == (["music"], [], "")
    assert publish({"ops"}, here).restored == []
