"""A source that is switched off is read by nothing, and what there is of it stays; a fresh checkout asks nobody."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dlt_sources.door import DeclarationError, load_sources
from foundation.environment import read_file
from tests.harness import ROOT, checkout
from tests.small import Small

ADDRESSES = ("://", "/")


def switch_off(code: Path, name: str) -> Path:
    """Say `enabled: false` in a source.yml; returns its path."""
    path = code / "dlt_sources" / name / "source.yml"
    path.write_text(path.read_text() + "enabled: false\n")
    return path


@pytest.mark.slow
def test_a_source_that_is_switched_off_is_not_read_and_its_data_stays(tmp_path: Path) -> None:
    small = Small(tmp_path, "shop", "other")
    for name in ("shop", "other"):
        small.deliver(name, "1.csv", "1,one")
    small.run("run", "--now")
    declaration = switch_off(small.code, "other")
    for name in ("shop", "other"):
        small.deliver(name, "2.csv", "2,two")
    for words in (["run", "--now"], ["run"], ["run", "--schedule", "@daily"]):
        done = small.run(*words)
        assert "other" not in done.stdout.replace("another", ""), done.stdout
    assert small.gold("shop") == [(1, "one"), (2, "two")]
    assert small.gold("other") == [(1, "one")]
    assert small.query("SELECT id FROM stg_other.things", "warehouse.duckdb") == [(1,)]

    for words in (
        ["run", "other"],
        ["run", "shop", "other"],
        ["serve", "other"],
        ["backfill", "other", "--since", "2026-01-01"],
    ):
        refused = small.run(*words, code=2).stderr
        assert "other is switched off: dlt_sources/other/source.yml says `enabled: false`; remove that line" in refused
    status = small.status()
    assert status["switched_off"] == ["other"] and {row["source"] for row in status["tables"]} == {"shop", "other"}
    assert status["waiting_domains"] == status["not_published"] == []
    assert "other is switched off" in small.run("status").stdout
    doctor = small.run("doctor").stdout
    assert "other: switched off" in doctor and "other: answers" not in doctor
    [row] = [line for line in small.run("run", "--dry-run").stdout.splitlines() if " other " in f" {line}"]
    assert "switched off" in row

    declaration.write_text(declaration.read_text().replace("enabled: false\n", ""))
    small.run("run", "other")
    assert small.gold("other") == [(1, "one"), (2, "two")]


@pytest.mark.slow
def test_a_source_that_is_switched_off_and_broken_fails_no_run(tmp_path: Path) -> None:
    small = Small(tmp_path, "shop", "other")
    small.deliver("shop", "1.csv", "1,one")
    path = switch_off(small.code, "other")
    path.write_text(path.read_text() + "unknown: 1\n")
    small.run("run")
    assert small.gold("shop") == [(1, "one")]
    assert "other is switched off" in small.run("run", "other", code=2).stderr


def test_what_is_switched_off_is_known_of_usable_and_broken_sources(tmp_path: Path) -> None:
    for name, more in (("on", ""), ("off", "enabled: false\n"), ("broken", "enabled: false\nunknown: 1\n")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "source.yml").write_text(
            "description: d\nowner: me\nschedule: '@daily'\nconnector: files\nconnection: {url: '${SHOP_URL}'}\n"
            f"tables:\n  things: {{contract: Thing, key: [id], files: '*.csv'}}\n{more}"
        )
        (folder / "contract.py").write_text(
            "from dlt_sources.contract import Contract, column\n\n\nclass Thing(Contract):\n    id: int = column('It')\n"
        )
    declared = load_sources(tmp_path)
    assert declared.names == ["broken", "off", "on"] and declared.off == {"broken", "off"} and declared.on == ["on"]
    assert declared.require_on(["on"]) is declared
    for name in ("off", "broken"):
        with pytest.raises(DeclarationError, match="is switched off"):
            declared.require_on([name])


def test_the_settings_of_a_fresh_checkout_name_no_system_of_anybody(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    given = read_file(tmp_path / ".env").values
    assert {name: value for name, value in given.items() if any(part in value for part in ADDRESSES)} == {}


@pytest.mark.slow
def test_a_run_of_a_fresh_checkout_asks_nobody(tmp_path: Path) -> None:
    small = Small.__new__(Small)
    small.code, small.data = checkout(tmp_path / "millrace"), tmp_path / "millrace" / "data"
    shutil.copy(ROOT / ".env.example", small.code / ".env")
    small.environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    names = load_sources().names
    done = small.run("run", code=2 if names else 0)
    said = done.stdout + done.stderr
    assert said.count("is not set; put it in the environment or in .env") >= len(names), said
    assert not list((small.data / "lake").rglob("*.parquet"))
