"""A source.yml is read strictly: doubled keys, broken YAML and impossible values are one clear line each."""

import pytest

from dlt_sources.door import DeclarationError, load_sources
from tests.dlt_sources.test_declared_fields import CONTRACT, refused


@pytest.mark.parametrize("schedule", ["0 0 30 2 *", "daily", "61 * * * *", ""])
def test_a_schedule_that_never_comes_is_refused(tmp_path, schedule):
    assert "schedule" in (refused(tmp_path, schedule=schedule) or "")


@pytest.mark.parametrize(
    ("more", "first", "second"),
    [
        ("owner: a\nowner: b\n", 1, 2),
        ("connection:\n  base_url: a\n  base_url: b\n", 2, 3),
        ("tables:\n  things: {}\n  parts: {}\n  things: {}\n", 2, 4),
        ("tables:\n  things:\n    key: [a]\n    'key': [b]\n", 3, 4),
        ("tables: {things: {key: [a], key: [b]}}\n", 1, 1),
        ("tables:\n- key: [a]\n  mode: x\n  key: [b]\n", 2, 4),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_both_lines(tmp_path, more, first, second):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "source.yml").write_text(more)
    reason = load_sources(tmp_path).broken["shop"]
    assert f"stands twice, first in line {first}; " in reason and reason.endswith(f"(line {second})")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected keys such as connector and tables"),
        ("- a\n", "found list"),
        ("a: &a [*a]\n", "connector: None is not one of"),
        ("a: 1\nx: 2020-13-45\n", "month must be in 1..12 (line 2)"),
        ("a: 1\n? [b]\n: 2\n", "(line 2)"),
        ("a: 1\n\tb: 2\n", "(line 2)"),
        ("a: !!python/name:os.system\n", "(line 1)"),
        ("[" * 5000, "nested too deeply"),
        ("a: *b\n", "undefined alias 'b' (line 1)"),
    ],
)
def test_what_is_not_a_declaration_is_one_line(tmp_path, text, said):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "source.yml").write_text(text)
    reason = load_sources(tmp_path).broken["shop"]
    assert said in reason and reason.startswith(str(tmp_path / "shop" / "source.yml")) and "\n" not in reason, reason


def test_a_source_without_tables_is_refused(tmp_path):
    refused(tmp_path)
    path = tmp_path / "shop" / "source.yml"
    path.write_text(path.read_text().partition("tables:")[0] + "tables: {}\n")
    assert "source.yml: tables: " in load_sources(tmp_path).broken["shop"]


def test_what_a_contract_prints_is_not_part_of_an_answer(tmp_path, capsys):
    assert refused(tmp_path, contract=CONTRACT + "\nprint('hello')\n") is None
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "hello\n")


def test_a_merge_key_is_not_a_second_key(tmp_path):
    refused(tmp_path)
    path = tmp_path / "shop" / "source.yml"
    text = path.read_text().replace("  things:\n", "  things: &base\n") + ""
    at = text.index("connection:")
    path.write_text(text[:at] + "  others:\n    <<: *base\n    key: [day]\n" + text[at:])
    assert load_sources(tmp_path)["shop"].tables["others"].key == ["day"]


def test_a_broken_source_is_asked_for_by_its_reason(tmp_path):
    refused(tmp_path, things={"key": ["idd"]})
    declared = load_sources(tmp_path)
    assert declared.names == ["shop"] and not declared
    with pytest.raises(DeclarationError, match="'idd' is not a field of Thing"):
        declared["shop"]
    with pytest.raises(DeclarationError, match="no source 'shp'; there are: shop"):
        declared["shp"]
