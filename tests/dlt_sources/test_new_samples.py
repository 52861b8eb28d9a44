"""What is inferred from the real samples accepts their rows, and agrees with the contracts that people wrote for them."""

import pytest

import settings as configuration
from dlt_sources._steps.contracts.columns import columns_of
from dlt_sources._steps.declared import own_code
from dlt_sources.door import load_sources, make_source
from tests.harness import ROOT
from tests.security.hostile import Server

SAMPLES = {
    "users": ("deftunes_api", "users", "deftunes/real_users_sample.json", 11),
    "sessions": ("deftunes_api", "sessions", "deftunes/real_sessions_sample.json", 2),
    "session_items": ("deftunes_api", "session_items", "deftunes/real_sessions_sample.json", 11),
    "people": ("random_users", "users", "random_users/mscimath_randomuser_v1.json", 2),
    "songs": ("deftunes_db", "songs", "deftunes/real_songs_sample.csv", 25),
    "order_lines": ("sales", "order_lines", "sales/raw_sales.csv", 2823),
    "zones": ("taxi", "zones", "taxi/taxi_zone_lookup.csv", 265),
    "yellow": ("taxi", "yellow_trips", "taxi/test_file_yellow.parquet", 100),
    "green": ("taxi", "green_trips", "taxi/test_file_green.parquet", 100),
}
LEAST = 0.8
"""Share of the fields that both contracts read which have to be of the same type."""


@pytest.mark.parametrize("name", SAMPLES)
def test_a_real_sample(here, samples, tmp_path, name):
    source, table, file, count = SAMPLES[name]
    path = samples / file
    folder = tmp_path / "sources"
    folder.mkdir()

    def answer(asked, headers):
        return 200, {"content-type": "application/json"}, path.read_bytes()

    with Server(answer).serve() as server:
        given = f"{server.url}/{table.replace('session_items', 'sessions')}" if file.endswith(".json") else str(path)
        made = make_source("shop", given, configuration.load(), folder=folder)
    own_code.forget(folder / "shop")
    inferred = load_sources(folder)["shop"]
    name_of = table if table in inferred.tables else next(iter(inferred.tables))
    verdict = next(v for v in made.verdicts if v.table == name_of)
    assert (verdict.accepted, verdict.rejected) == (count, 0)
    wanted = {c.paths: c for c in columns_of(load_sources()[source].contracts[table], stored=False)}
    mine = {c.path: c for c in columns_of(inferred.contracts[name_of], stored=False)}
    both = [(c, mine[p]) for paths, c in wanted.items() for p in paths if p in mine and not c.computed]
    types = sum(a.kind is b.kind for a, b in both)
    nulls = sum(a.nullable is b.nullable for a, b in both)
    names = sum(a.name == b.name for a, b in both)
    row = f"| {source}.{table} | {count:,} | {len(both)} | {names} | {types} | {nulls} | {len(made.doubts)} |"
    assert row in (ROOT / "docs" / "how-to.md").read_text()
    assert types >= LEAST * len(both), [(a.name, a.kind, b.kind) for a, b in both if a.kind is not b.kind]
    personal = {a.name for a, b in both if a.private and not b.private and a.name != "national_id"}
    assert personal == set()
