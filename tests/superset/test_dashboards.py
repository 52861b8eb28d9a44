"""A real Superset over a published warehouse, met as its users meet it: in a browser, over its API, by its commands."""

import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
import requests
import yaml

from superset.derive import ASSETS
from superset.door import FOLDER, PYTHON
from superset.scripts import files
from tests.superset.conftest import ITEMS
from tests.superset.numbers import differences
from tests.superset.site import Api, charts, dashboards, layout, served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DESKTOP, TABLET = 1440, 1024
NUMBERS = yaml.safe_load((Path(__file__).parent / "numbers.yml").read_text())
ZONES = "33333333-2222-5333-8444-555555555555"
FILTERS = {  # dashboard: (filter, its column, big number, what it must show)
    "music-sales": ("Country", "country_code", "music_tracks", "SELECT count(*) FROM deftunes.order_items_vw"),
    "headphones-and-in-ears": (
        "Company",
        "company_name",
        "headphones_count",
        "SELECT count(*) FROM audiophile.headphones",
    ),
    "taxi": ("Cab", "taxi_type", "taxi_trips", "SELECT sum(trips) FROM taxi.trips_by_hour"),
    "sales": ("Status", "status", "sales_orders", "SELECT count(DISTINCT order_number) FROM sales.order_lines"),
    "people": ("Country", "country", "people_total", "SELECT count(*) FROM people.dim_people"),
    "pipeline-health": ("Source", "source", "ops_rejected_share", "SELECT sum(rejected) / sum(landed) FROM ops.loads"),
}

CHANGED = """([title, text]) =>
    document.querySelector(`[data-test-chart-name="${title}"] .header-line`)?.innerText !== text"""


@pytest.mark.nightly
def test_serving_says_where_it_is_and_who_may_come_in(site):
    assert site.url in site.said and site.password in site.said and "admin" in site.said
    kept = site.pipeline.folder / "superset"
    assert {oct((kept / name).stat().st_mode & 0o77) for name in ("secret_key", "admin_password")} == {"0o0"}
    assert not Api(site.url, "admin", "admin").signed_in
    assert site.session().signed_in


@pytest.mark.nightly
def test_readers_and_a_run_do_not_disturb_each_other(second_evening, pipeline):
    before, after, answers, result = second_evening
    assert result.code == 0, result.out + result.err
    assert after == pipeline.query("SELECT count(*) FROM deftunes.fact_order_items")[0][0] != before
    assert len(answers) > 20 and set(answers) == {before, after}


def test_every_chart_of_every_tab_shows_what_gold_says_and_filters_change_it(
    reader, admin, published, tmp_path, request
):
    """On a desktop's width; by night also on a tablet's."""
    by_night = request.config.getoption("nightly")
    shots = Path(os.environ.get("SCREENSHOTS", tmp_path))
    uuids = {chart["id"]: chart["uuid"] for chart in admin.all("chart", "uuid")}
    wrong, compared = [], set()
    reader.faults.clear()
    for dashboard in dashboards():
        reader.answers.clear()
        slug, tabs = dashboard["slug"], layout(dashboard)
        for tab in reader.tabs(dashboard, DESKTOP):
            name = f"{slug}-{tab.lower().replace(' ', '-') or 'all'}"
            if by_night or "SCREENSHOTS" in os.environ or reader.faults:  # else nobody looks at it
                reader.page.screenshot(path=shots / f"{name}-desktop.png")
            if by_night:
                reader.resize(TABLET)
                reader.check(f"{slug}/{tab} on a tablet", len(tabs[tab]))
                reader.page.screenshot(path=shots / f"{name}-tablet.png")
                reader.resize(DESKTOP)
        here = {uid for tab in tabs.values() for uid in tab}  # an answer for the dashboard before may come late
        reader.hear(number for number, uid in uuids.items() if uid in here)
        for number, answer in reader.answers.items():
            if uuids[number] not in here:
                continue
            stem, chart = charts()[uuids[number]]
            compared.add(stem)
            wrong += [f"{stem}: {line}" for line in differences(chart, answer, NUMBERS[stem], published)]
        wrong += filtered(reader, uuids, published, slug, next(iter(tabs.items())))
    assert reader.faults == []
    assert wrong == []
    assert compared == set(NUMBERS) == {stem for stem, _ in charts().values()}


def filtered(reader, uuids, published, slug, first_tab):
    """Choose a value in a filter of the open dashboard; what its big number shows then and gold does not say."""
    name, column, stem, query = FILTERS[slug]
    uuid, title = next((uid, chart["slice_name"]) for uid, (s, chart) in charts().items() if s == stem)
    where = f"WHERE {column} = ?{' AND is_current' if 'audiophile' in query else ''}"
    value = published.execute(f"SELECT max({column}) FROM {query.split(' FROM ')[1]}").fetchone()[0]
    expected = float(published.execute(f"{query} {where}", [value]).fetchone()[0])
    reader.tab(first_tab[0])
    reader.check(f"{slug}, first tab again", len(first_tab[1]))
    text = reader.page.locator(f'[data-test-chart-name="{title}"] .header-line').first.inner_text()
    reader.choose(name, value)
    reader.page.wait_for_function(CHANGED, arg=[title, text])
    reader.wait(len(first_tab[1]))
    reader.hear(number for number, uid in uuids.items() if uid == uuid)
    answer = next(a for number, a in reader.answers.items() if uuids[number] == uuid)["result"][0]["data"][0]
    return (
        []
        if list(answer.values()) == [pytest.approx(expected)]
        else [f"{slug}, {name} {value}: {answer}, not {expected}"]
    )


def test_after_a_look_around_an_export_is_the_files(site, admin, reader, tmp_path):
    """Opening a chart makes Superset write its query into the chart, opening a dashboard its colours: no diff of ours."""
    number = next(c["id"] for c in admin.all("chart", "slice_name") if c["slice_name"] == "Top songs")
    reader.page.goto(f"{site.url}/explore/?slice_id={number}")
    reader.page.wait_for_selector(".slice_container table tbody tr")
    the_export_is_the_files(site, tmp_path / "assets")


def the_export_is_the_files(site, folder):
    shutil.copytree(ASSETS, folder)
    done = site.command("export", "--assets", str(folder))
    assert done.returncode == 0 and "nothing new" in done.stdout, done.stdout + done.stderr
    assert files.read(folder) == files.read(ASSETS)


@pytest.mark.nightly
def test_an_edit_in_the_browser_is_a_small_diff_and_is_not_lost(site, admin, tmp_path):
    chart = next(c for c in admin.all("chart", "slice_name", "params") if c["slice_name"] == "Top songs")
    assert (
        admin.send("PUT", f"chart/{chart['id']}", {"slice_name": "Best songs", "certified_by": "Ann"}).status_code
        == 200
    )
    done = site.command("import")
    assert done.returncode == 2 and "edited in the browser" in done.stderr and "Best songs" in done.stderr
    own = {"database_name": "Own", "sqlalchemy_uri": "duckdb:///:memory:", "engine": "duckdb"}
    assert admin.send("POST", "database/", own).status_code == 201
    exported = shutil.copytree(ASSETS, tmp_path / "assets")
    done = site.command("export", "--assets", str(exported))
    assert "changed charts/music_top_songs.yaml" in done.stdout
    name = "charts/music_top_songs.yaml"
    before, after = ((folder / name).read_text().splitlines() for folder in (ASSETS, exported))
    assert set(after) - set(before) == {"slice_name: Best songs", "certified_by: Ann"}
    assert set(before) - set(after) == {"slice_name: Top songs"}
    (exported / name).write_text((ASSETS / name).read_text())
    # nothing else changed, and a database of people's own stays out of it
    assert files.read(exported) == files.read(ASSETS)
    done = site.command("import", "--over-edits")
    assert done.returncode == 0, done.stderr
    assert "Best songs" not in str(admin.all("chart", "slice_name"))


@pytest.mark.nightly
def test_an_import_removes_what_left_keeps_what_analysts_made_and_looks_at_the_tables_again(
    site, admin, reader, tmp_path
):
    more = shutil.copytree(ASSETS, tmp_path / "assets")
    path = more / "datasets" / "people.dim_people.yaml"
    dataset = yaml.safe_load(path.read_text())
    path.write_text(files.dump(dataset | {"columns": [c for c in dataset["columns"] if c["column_name"] != "city"]}))
    chart = yaml.safe_load((more / "charts" / "people_latest.yaml").read_text())
    chart |= {"uuid": "11111111-2222-5333-8444-555555555555", "slice_name": "For a while"}
    (more / "charts" / "for_a_while.yaml").write_text(files.dump(chart))
    path = more / "datasets" / "taxi.dim_zone.yaml"  # somebody makes a chart on it, then it leaves the files
    zones = {
        "uuid": ZONES,
        "schema": "taxi",
        "table_name": "dim_zone",
        "columns": [],
        "metrics": [],
        "version": "1.0.0",
    }
    path.write_text(files.dump(zones | {"database_uuid": dataset["database_uuid"]}))
    for name, condition in (("people_gender", "1 = 0"), ("people_per_country", "no_such_column = 1")):
        path = more / "charts" / f"{name}.yaml"
        chart = yaml.safe_load(path.read_text())
        chart["params"]["adhoc_filters"] += [{"clause": "WHERE", "expressionType": "SQL", "sqlExpression": condition}]
        path.write_text(files.dump(chart))
    done = site.command("import", "--assets", str(more))
    assert "dataset people.dim_people: new city" in done.stdout, done.stdout + done.stderr
    reader.faults.clear()  # and the reader of these tests sees an empty and a broken chart
    list(reader.tabs(next(d for d in dashboards() if d["slug"] == "people"), DESKTOP))
    assert any("people/: Gender: No results" in fault for fault in reader.faults), reader.faults
    assert any("people/: Sign-ups by country: " in fault and "no_such_column" in fault for fault in reader.faults)
    titles = {c["slice_name"] for c in admin.all("chart", "slice_name")}
    assert "For a while" in titles
    own = {
        "slice_name": "My own",
        "viz_type": "table",
        "datasource_id": admin.dataset("taxi.dim_zone"),
        "datasource_type": "table",
    }
    assert admin.send("POST", "chart/", own).status_code == 201
    done = site.command("import")
    assert "removed chart For a while" in done.stdout, done.stdout + done.stderr
    assert "dim_zone stays, though no file holds it: people here made My own on it" in done.stdout
    titles = {c["slice_name"] for c in admin.all("chart", "slice_name")}
    assert "For a while" not in titles and "My own" in titles
    mine = next(c["id"] for c in admin.all("chart", "slice_name") if c["slice_name"] == "My own")
    admin.send("DELETE", f"chart/{mine}", None)
    done = site.command("import")  # the third: nothing but the dataset that nobody uses any more has changed
    notes = [line for line in done.stdout.splitlines() if "note" in line and "these are the dashboards of" not in line]
    assert len(notes) == 2 and "removed dataset dim_zone" in done.stdout, done.stdout
    the_export_is_the_files(site, tmp_path / "exported")


@pytest.mark.nightly
def test_a_file_that_superset_refuses_changes_nothing(site, admin, tmp_path):
    bad = shutil.copytree(ASSETS, tmp_path / "assets")
    chart = yaml.safe_load((bad / "charts" / "people_total.yaml").read_text())
    (bad / "charts" / "people_total.yaml").write_text(
        files.dump(chart | {"slice_name": "Renamed", "cache_timeout": "soon"})
    )
    done = site.command("import", "--assets", str(bad))
    assert done.returncode == 2 and "people_total.yaml" in done.stderr and "cache_timeout" in done.stderr
    assert "Renamed" not in str(admin.all("chart", "slice_name"))


def test_nobody_sees_anything_without_signing_in(site):
    import requests

    for path in ("superset/dashboard/music-sales/", "api/v1/dashboard/", "api/v1/chart/", "api/v1/dataset/"):
        answer = requests.get(f"{site.url}/{path}", timeout=60)
        assert (
            answer.status_code in (401, 403) or "/login/" in answer.url or '"result":[]' in answer.text.replace(" ", "")
        ), path
    assert requests.post(f"{site.url}/api/v1/security/guest_token/", json={}, timeout=60).status_code in (
        400,
        401,
        403,
        404,
    )
    page = requests.get(f"{site.url}/login/", timeout=60)
    assert "scarf" not in page.headers["Content-Security-Policy"] and page.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "HttpOnly" in page.headers["Set-Cookie"] and "SameSite=Lax" in page.headers["Set-Cookie"]


def member(site, admin, name, *roles):
    """A new user with some roles, signed in."""
    known = {role["name"]: role["id"] for role in admin.get("security/roles/?q=(page_size:100)").json()["result"]}
    person = {"username": name, "first_name": name, "last_name": name, "email": f"{name}@example.com", "active": True}
    answer = admin.send(
        "POST", "security/users/", person | {"password": "long enough 1", "roles": [known[r] for r in roles]}
    )
    assert answer.status_code == 201, answer.text
    session = site.session(name, "long enough 1")
    assert session.signed_in
    return session


def test_an_analyst_reads_every_dashboard_and_changes_none(site, admin):
    analyst = member(site, admin, "ann", "Analyst")
    assert len(analyst.all("dashboard", "slug")) == 6
    assert analyst.query(ITEMS, ["items"]).status_code == 200
    chart = analyst.all("chart", "slice_name")[0]
    assert analyst.send("PUT", f"chart/{chart['id']}", {"slice_name": "mine now"}).status_code in (403, 404)
    assert analyst.send("POST", "sqllab/execute/", {"database_id": 1, "sql": "SELECT 1"}).status_code in (401, 403)
    assert analyst.get("security/users/").status_code in (401, 403)


def test_an_analyst_of_one_country_sees_its_rows_and_nothing_else(site, admin, published):
    analyst = member(site, admin, "francine", "Analyst France")
    answer = analyst.query(ITEMS, ["items"], ["country_code"]).json()["result"][0]["data"]
    expected = published.execute(f"SELECT count(*) FROM {ITEMS} WHERE country_code = 'FR'").fetchone()[0]
    assert answer == [{"country_code": "FR", "items": expected}] and expected > 0
    assert [d["slug"] for d in analyst.all("dashboard", "slug")] == ["music-sales"]
    assert analyst.query(admin.dataset("sales.order_lines"), ["revenue"]).status_code == 403
    assert analyst.query(admin.dataset("ops.rejected_rows"), ["rows_rejected"]).status_code == 403


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '/tmp/written_by_superset.csv'",
        "CREATE TABLE people.mine AS SELECT 1",
        "DELETE FROM people.dim_people",
        "ATTACH '/tmp/other.duckdb'",
        "SET enable_external_access = true",
    ],
)
def test_not_even_sql_lab_writes_or_leaves_the_published_file(sql, site, admin):
    database = admin.get("database/").json()["result"][0]["id"]
    good = admin.send(
        "POST", "sqllab/execute/", {"database_id": database, "sql": "SELECT count(*) AS n FROM people.dim_people"}
    )
    assert good.status_code == 200 and good.json()["data"][0]["n"] > 0
    answer = admin.send("POST", "sqllab/execute/", {"database_id": database, "sql": sql})
    assert answer.status_code >= 400, answer.text
    assert not Path("/tmp/written_by_superset.csv").exists()


def test_a_form_from_elsewhere_is_refused(site):
    session = site.session()
    del session.http.headers["X-CSRFToken"]
    assert session.query(1, ["items"]).status_code == 400


def test_on_aws_an_import_gives_the_database_of_the_target_and_closes_the_files_assets_to_edits(site, tmp_path):
    """Redshift itself is not there: its tables cannot be looked at, which an import survives."""
    meta = shutil.copy(site.pipeline.folder / "superset" / "superset.db", tmp_path / "meta.db")
    aws = {"TARGET": "aws", "REDSHIFT_HOST": "127.0.0.1", "REDSHIFT_PORT": "1", "REDSHIFT_USER": "writer"}
    aws |= {"REDSHIFT_PASSWORD": "w", "REDSHIFT_ROLE": "arn:aws:iam::1:role/r", "LAKE_URL": "s3://lake/elt"}
    aws |= {"STATE_HOST": "db", "STATE_USER": "s", "STATE_PASSWORD": "s", "PII_SALT": "s"}
    aws |= {
        "DASHBOARDS_META_URL": f"sqlite:///{meta}",
        "DASHBOARDS_USER": "reader",
        "DASHBOARDS_PASSWORD": "very secret",
    }
    aws |= {"DASHBOARDS_SECRET_KEY": (site.pipeline.folder / "superset" / "secret_key").read_text()}
    done = site.command(
        "import", **{f"ELT_{name}": value for name, value in aws.items()}, ELT_DATA_DIR=str(tmp_path / "data")
    )
    assert done.returncode == 0, done.stderr
    assert "could not be looked at" in done.stdout and "very secret" not in done.stdout + done.stderr
    with sqlite3.connect(meta) as con:
        assert con.execute("SELECT sqlalchemy_uri FROM dbs WHERE database_name = 'Millrace'").fetchall() == [
            ("redshift+redshift_connector://reader:XXXXXXXXXX@127.0.0.1:1/serving?sslmode=verify-full",)
        ]
        for table in ("dashboards", "slices", "tables", "dbs"):
            assert con.execute(f"SELECT max(is_managed_externally) FROM {table}").fetchall() == [(1,)]


CONFIGURATIONS = [  # what is set otherwise, and what is said
    ({"SUPERSET_SECRET_KEY": ""}, "SUPERSET_SECRET_KEY must be set"),
    ({"SUPERSET_SECRET_KEY": "short"}, "SUPERSET_SECRET_KEY must be set"),
    ({"SUPERSET_EMBEDDED": "1"}, "SUPERSET_GUEST_SECRET must be set"),
    ({}, "True True True False False"),
]
SHOW = """
import json, os, sys
before = dict(os.environ)
for change in json.load(sys.stdin):
    os.environ.clear()
    os.environ.update(before | change)
    sys.modules.pop("superset_config", None)
    try:
        import superset_config as c
        found = (c.SESSION_COOKIE_SECURE, c.TALISMAN_ENABLED, c.WTF_CSRF_ENABLED, c.FEATURE_FLAGS["EMBEDDED_SUPERSET"])
        print("said:", *found, c.ENABLE_CORS)
    except RuntimeError as error:
        print("said:", error)
"""


def test_the_configuration_is_safe_by_default_and_refuses_weak_secrets(installed, tmp_path):
    environment = {"SUPERSET_SECRET_KEY": "k" * 32, "SUPERSET_META_URI": "sqlite://", "HOME": str(tmp_path)}
    done = subprocess.run(
        [PYTHON, "-c", SHOW],
        cwd=FOLDER,
        env=environment,
        input=json.dumps([change for change, _ in CONFIGURATIONS]),
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stdout.splitlines() if line.startswith("said:")]
    assert len(said) == len(CONFIGURATIONS), done.stdout + done.stderr
    for (change, says), line in zip(CONFIGURATIONS, said, strict=True):
        assert says in line, change


def test_the_layout_has_every_chart_once():
    shown = [uid for dashboard in dashboards() for tab in layout(dashboard).values() for uid in tab]
    assert sorted(shown) == sorted(charts())


@pytest.mark.nightly
def test_what_was_imported_is_served_by_a_replica_that_imports_nothing(site, admin, pipeline):
    mark = pipeline.folder / "superset" / "prepared"
    imported, before = mark.read_text(), len(admin.all("dashboard"))
    mark.write_text("other files than the ones that were imported")
    with served(pipeline, "--as-imported") as replica:
        assert "prepare" not in replica.said and "as they were imported last" in replica.said
        assert requests.get(f"{replica.url}/health", timeout=10).text == "OK"
        assert len(replica.session().all("dashboard")) == before > 0
    assert mark.read_text() == "other files than the ones that were imported"
    mark.write_text(imported)
