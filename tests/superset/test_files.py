"""Asset files: what an export becomes, and what stays as it was."""

import pytest

from superset.scripts import files

UUID = "11111111-2222-5333-8444-555555555555"
OTHER = "22222222-2222-5333-8444-555555555555"


def chart(uuid=UUID, title="Best songs", **more):
    return "charts", {"uuid": uuid, "slice_name": title, "viz_type": "table", "params": {}, "version": "1.0.0", **more}


def test_an_asset_keeps_its_file_whatever_its_name_becomes(tmp_path):
    assert files.write(tmp_path, [chart()]) == ["added charts/best_songs.yaml"]
    assert files.write(tmp_path, [chart()]) == []
    assert files.write(tmp_path, [chart(title="Worst songs")]) == ["changed charts/best_songs.yaml"]
    assert files.write(tmp_path, []) == ["removed charts/best_songs.yaml"]


def test_two_assets_of_one_name_have_two_files(tmp_path):
    said = files.write(tmp_path, [chart(), chart(OTHER)])
    assert said == ["added charts/best_songs.yaml", "added charts/best_songs_22222222.yaml"]
    assert {d["uuid"] for d in files.read(tmp_path).values()} == {UUID, OTHER}


@pytest.mark.parametrize("title", ["Ümläut & Co.", "日本", "../../etc/passwd", "a/b", " "])
def test_a_new_file_stays_in_its_folder(tmp_path, title):
    files.write(tmp_path, [chart(title=title)])
    (path,) = tmp_path.rglob("*.yaml")
    assert path.parent == tmp_path / "charts"
    assert next(iter(files.read(tmp_path).values()))["slice_name"] == title


@pytest.mark.parametrize(
    ("text", "says"),
    [("a: [", "not YAML"), ("slice_name: x", "no `uuid`"), (f"uuid: {UUID}", "has the uuid of charts/best_songs.yaml")],
)
def test_a_file_that_is_none_is_named(tmp_path, text, says):
    files.write(tmp_path, [chart()])
    (tmp_path / "charts" / "made_up.yaml").write_text(text)
    with pytest.raises(ValueError, match=f"made_up.yaml: .*{says}"):
        files.read(tmp_path)


def test_a_connection_and_its_secrets_never_reach_a_file():
    exported = {
        "uuid": UUID,
        "database_name": "x",
        "sqlalchemy_uri": "redshift://user:secret@host/db",
        "encrypted_extra": "{}",
    }
    exported |= {
        "masked_encrypted_extra": '{"key": "XXXXXXXXXX"}',
        "password": "secret",
        "ssh_tunnel": {"password": "secret"},
    }
    plain = files.dump(files.plain("databases", exported))
    assert "secret" not in plain and "encrypted" not in plain and "host" not in plain


def test_a_chart_that_the_api_laid_out_gets_its_uuid_and_a_chart_that_is_gone_leaves_no_place():
    position = {
        "ROW": {"type": "ROW", "id": "ROW", "children": ["A", "B", "C"]},
        "A": {"type": "CHART", "id": "A", "meta": {"chartId": 17, "width": 4}},
        "B": {"type": "CHART", "id": "B", "meta": {"chartId": 99, "width": 4}},
        "C": {"type": "CHART", "id": "C", "meta": {"chartId": 18, "uuid": OTHER, "width": 4}},
    }
    assert files.name_charts(position, {17: UUID, 18: OTHER})
    assert [meta["uuid"] for meta in files.charts_of({"position": position})] == [UUID, OTHER]
    assert position["ROW"]["children"] == ["A", "C"] and "B" not in position
    assert not files.name_charts(position, {17: UUID, 18: OTHER}), "a layout that is complete was changed"


def test_charts_are_named_by_uuid_wherever_superset_uses_its_number():
    position = {"C": {"type": "CHART", "id": "C", "meta": {"uuid": UUID, "chartId": 17, "sliceName": "x", "width": 4}}}
    metadata = {
        "timed_refresh_immune_slices": [17, 99],
        "expanded_slices": {"17": True},
        "native_filter_configuration": [
            {"id": "f", "scope": {"excluded": [17]}, "chartsInScope": [17], "targets": [{}]}
        ],
        "chart_configuration": {"17": {"id": 17}},
    }
    exported = {"uuid": OTHER, "dashboard_title": "d", "position": position, "metadata": metadata, "version": "1.0.0"}
    plain = files.plain("dashboards", exported)
    assert "17" not in files.dump(plain)
    assert plain["metadata"]["native_filter_configuration"][0]["scope"]["excluded"] == [UUID]
    back = files.complete("dashboards", plain)
    number = back["position"]["C"]["meta"]["chartId"]
    assert back["metadata"]["timed_refresh_immune_slices"] == [number]
    assert back["metadata"]["expanded_slices"] == {str(number): True}
    assert files.plain("dashboards", back) == plain
