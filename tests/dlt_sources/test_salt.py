"""The salt of hashed fields: nobody's default. It is made once, kept, missed when it is lost, and what is older than it still matches."""

import shutil
import stat

import duckdb
import pytest

import settings as configuration
import tests.dlt_sources.shop
from dlt_sources._steps.stores.salt import FORMER, MARK, NAME
from dlt_sources.door import StoreError, rebuild
from tests.dlt_sources.shop import CONTRACT, HEAD, refined, run, source_of

CLEAR, HASHED = 'column("name", path=["name", "title"])', 'column("name", path=["name", "title"], pii="hash")'


@pytest.fixture
def shop(tmp_path, inbox, monkeypatch):
    """A source whose names are hashed."""
    monkeypatch.setattr(tests.dlt_sources.shop, "CONTRACT", CONTRACT.replace(CLEAR, HASHED))
    return source_of(tmp_path, inbox)


def hashes(settings):
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        return [row[0] for row in con.execute("SELECT name FROM stg_shop.things ORDER BY id").fetchall()]


def of(settings, salt):
    """What "ann" is with a salt."""
    return duckdb.execute("SELECT sha256(? || 'ann')", [salt]).fetchall()[0][0]


def test_a_salt_is_made_once_and_is_nobody_else_s(tmp_path, here, inbox, shop, monkeypatch):
    (inbox / "a.csv").write_text(f"{HEAD}1,ann\n")
    run(shop, here)
    file = here.data / NAME
    salt = file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and len(salt) == 64
    (inbox / "b.csv").write_text(f"{HEAD}2,ann\n")
    run(shop, here)
    assert file.read_text().strip() == salt and hashes(here) == [of(here, salt)] * 2
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "other"))
    other = configuration.load()
    run(shop, other)
    assert not set(hashes(other)) & {of(here, salt), of(here, FORMER)}


def test_a_folder_that_is_older_goes_on_with_what_its_rows_were_hashed_with(here, inbox, shop):
    (inbox / "a.csv").write_text(f"{HEAD}1,ann\n")
    run(shop, here)
    (here.data / NAME).write_text(FORMER)  # as if it had been
    rebuild(shop, [], here, progress=print)
    for file in (here.data / NAME, here.data / "lake/silver" / MARK):
        file.unlink()
    (inbox / "b.csv").write_text(f"{HEAD}2,ann\n")
    run(shop, here)
    assert hashes(here) == [of(here, FORMER)] * 2


@pytest.mark.parametrize("emptied", [False, True])
def test_a_lost_salt_stops_what_would_no_longer_match_and_can_be_replaced(here, inbox, shop, emptied, monkeypatch):
    (inbox / "a.csv").write_text(f"{HEAD}1,ann\n")
    run(shop, here)
    before = hashes(here)
    file = here.data / NAME
    shutil.copy(file, here.data / "copy")
    file.write_text("") if emptied else file.unlink()
    (inbox / "b.csv").write_text(f"{HEAD}2,ann\n")
    with pytest.raises(StoreError, match=rf"{NAME} is (empty|gone).*ELT_PII_SALT.*rebuild SOURCE"):
        run(shop, here)
    assert hashes(here) == before
    shutil.copy(here.data / "copy", file)
    refined(shop, here)  # what landed meanwhile
    assert hashes(here) == before * 2
    file.unlink()
    monkeypatch.setenv("ELT_PII_SALT", "another")
    again = configuration.load()
    rebuild(shop, [], again, progress=print)
    assert hashes(again) == [of(again, "another")] * 2


def test_an_unfinished_salt_is_none(here, inbox, shop):
    here.data.mkdir(parents=True, exist_ok=True)
    (here.data / ".unfinished").write_text("half")
    (inbox / "a.csv").write_text(f"{HEAD}1,ann\n")
    run(shop, here)
    assert hashes(here) == [of(here, (here.data / NAME).read_text().strip())]
