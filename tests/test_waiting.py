"""What is edited or built and not published yet is reported alike by every command, and published once it is right."""

import json

import pytest

from tests.small import MODEL, Kept, Small

pytestmark = pytest.mark.slow
CHECK = """dataset: "warehouse/${{var.path}}/{model}"
variables:
  path:
    default: {domain}
columns:
  - name: id
checks:
  - row_count:
      threshold:
        {word}: {limit}
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    small = Small(tmp_path_factory.mktemp("waiting") / "project", "shop", "other")
    small.deliver("shop", "1.csv", "1,one", "2,two")
    small.run("run", "shop")
    return Kept(small)


@pytest.fixture
def small(kept):
    """Two sources, of which `shop` has run."""
    return kept.put_back()


def add_check(small, limit, word="must_be_less_than", domain="shop_gold", model="things_now"):
    folder = small.code / "soda_checks" / "gold" / domain
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{model}.yml").write_text(CHECK.format(model=model, domain=domain, word=word, limit=limit))


def edit_model(small, name="shop", change=lambda text: text.replace("FROM stg_shop", "/* edited */ FROM stg_shop")):
    path = small.code / "sqlmesh_project" / "models" / f"{name}_gold" / "things_now.sql"
    path.write_text(change(path.read_text()))


def upper(text):
    return text.replace("t.name::VARCHAR(80) AS name", "UPPER(t.name)::VARCHAR(80) AS name")


def add_domain(small, name="more_gold", source="shop"):
    folder = small.code / "sqlmesh_project" / "models" / name
    folder.mkdir()
    text = MODEL.format(name=source).replace(f"{source}_gold.things_now", f"{name}.things_now")
    (folder / "things_now.sql").write_text(text)
    test = (small.code / f"sqlmesh_project/tests/test_{source}.yaml").read_text()
    text = test.replace(f"{source}_gold", name).replace(f"test_{source}", f"test_{name}")
    (small.code / f"sqlmesh_project/tests/test_{name}.yaml").write_text(text)


def fail_staging(small):
    """Let what comes next fail a check of `shop`'s staging; returns what puts the check right again."""
    staging = small.code / "soda_checks/staging/shop/things.yml"
    staging.parent.mkdir()
    staging.write_text("checks:\n  - row_count:\n      threshold:\n        must_be_less_than: 3\n")
    return staging.unlink


def waiting(small):
    status = small.status()
    return status["pending_models"], [row["domain"] for row in status["waiting_domains"]]


def test_the_first_model_of_a_domain_waits_for_a_plan_and_is_deployed_by_it(small):
    assert waiting(small) == ([], [])
    add_domain(small)
    assert waiting(small) == (["more_gold.things_now"], [])
    note = "changed models wait for `python runner.py plan`: more_gold.things_now"
    assert note in small.run("run", "shop").stdout and note in small.run("status").stdout
    assert note in small.run("run", "other").stdout  # also of what it has not to do with
    said = small.run("plan").stdout
    assert "published more_gold" in said and note not in said
    assert small.query("SELECT id, name FROM more_gold.things_now ORDER BY 1") == [(1, "one"), (2, "two")]
    assert waiting(small) == ([], []) and note not in small.run("run", "shop").stdout
    small.deliver("shop", "2.csv", "3,three")
    small.run("run", "shop")
    assert small.query("SELECT max(id) FROM more_gold.things_now") == [(3,)]


@pytest.mark.nightly
def test_a_domain_whose_sources_never_brought_rows_waits_for_them_and_is_not_built(small):
    assert waiting(small) == ([], []) and "nothing to publish" in small.run("plan").stdout
    done = small.run("check", "other", "--json")
    assert "Traceback" not in done.stderr
    add_check(small, 9, domain="other_gold")
    for arguments in (("check", "other"), ("check",)):
        done = small.run(*arguments)
        assert "not_built" in done.stdout and "not built yet" in done.stdout, done.stdout
    small.deliver("other", "1.csv", "5,five")
    assert "published other_gold" in small.run("run", "other").stdout
    assert "not_built" not in small.run("check", "other").stdout


@pytest.mark.nightly
def test_plan_deploys_a_domain_where_nothing_was_deployed_before(tmp_path):
    small = Small(tmp_path, "shop")
    small.run("plan")
    model = small.code / "sqlmesh_project/models/shop_gold/things_now.sql"
    text = model.read_text()
    model.write_text(text.replace("SELECT", "SELECT FROM (", 1))
    small.deliver("shop", "1.csv", "1,one")
    small.run("run", "shop", code=2)  # the model cannot be read: the domain waits
    model.write_text(text)
    assert waiting(small)[0] == ["shop_gold.things_now"]
    assert "published shop_gold" in small.run("plan").stdout
    assert small.gold("shop") == [(1, "one")] and waiting(small) == ([], [])


@pytest.mark.few(1)
@pytest.mark.parametrize("corrected", ["check, plan", "check, run", "check, due", "model, plan", "model back, plan"])
def test_a_gold_check_that_fails_after_a_plan_is_repeated_until_it_is_corrected(small, corrected):
    edit_model(small, change=upper)
    add_check(small, 2)
    failed = small.run("plan", code=1)
    assert "check failed: gold shop_gold: things_now" in failed.stderr and "is not published" in failed.stdout
    assert small.gold("shop") == [(1, "one"), (2, "two")]
    assert waiting(small) == ([], ["shop_gold"])
    for arguments, code in ((("plan",), 1), (("run", "shop"), 1), (("check", "shop"), 1), (("run", "other"), 0)):
        done = small.run(*arguments, code=code)
        assert "shop_gold" in done.stdout + done.stderr, (arguments, done.stdout, done.stderr)
        assert "Correct the model or the check, then" in done.stdout or "correct the model or the check" in done.stdout
    status = small.run("status")
    assert "shop_gold is built and not published since" in status.stderr and "must_be_less_than" not in status.stderr
    assert small.gold("shop") == [(1, "one"), (2, "two")]
    what, command = corrected.split(", ")
    if what == "check":
        add_check(small, 3)
    elif what == "model":
        edit_model(small, change=lambda text: text.rstrip() + "\nWHERE t.id = 1\n")
    else:
        edit_model(small, change=lambda text: text.replace("UPPER(t.name)", "t.name").rstrip() + "\nWHERE t.id = 2\n")
    arguments = {"plan": ("plan",), "run": ("run", "shop"), "due": ("run",)}[command]
    if command == "due":  # nothing is: both ran today
        assert "Nothing is due" not in small.run(*arguments).stdout
    else:
        assert "published shop_gold" in small.run(*arguments).stdout
    expected = {"check": [(1, "ONE"), (2, "TWO")], "model": [(1, "ONE")], "model back": [(2, "two")]}[what]
    assert small.gold("shop") == expected
    assert waiting(small) == ([], []) and "all passed" in small.run("check", "shop").stdout


def test_a_gold_check_that_fails_after_a_run_is_reported_until_the_model_is_corrected(small):
    add_check(small, 3)
    small.deliver("shop", "2.csv", "3,three")
    small.run("run", "shop", code=1)
    assert waiting(small) == ([], ["shop_gold"]) and small.gold("shop")[-1] == (2, "two")
    edit_model(small, change=lambda text: text.rstrip() + "\nWHERE t.id <> 2\n")
    assert "published shop_gold" in small.run("plan").stdout
    assert small.gold("shop") == [(1, "one"), (3, "three")]
    assert waiting(small) == ([], []) and "nothing to publish" in small.run("run", "shop").stdout


def test_a_killed_plan_is_checked_and_published_by_the_next_run(small):
    edit_model(small, change=upper)
    kill = (
        "import os, signal, sys; import warehouse.publish as p; p.publish = lambda *a: os.kill(os.getpid(), signal.SIGKILL);"
        " import runner; sys.argv = ['runner.py', 'plan']; runner.main()"
    )
    small("-c", kill, code=-9)
    assert small.gold("shop") == [(1, "one"), (2, "two")] and waiting(small) == ([], ["shop_gold"])
    assert "interrupted" in small.run("status").stderr
    assert "published shop_gold" in small.run("run", "shop").stdout
    assert small.gold("shop") == [(1, "ONE"), (2, "TWO")] and waiting(small) == ([], [])


@pytest.mark.nightly
def test_a_check_that_failed_in_a_run_and_was_corrected_is_tried_again_by_whatever_runs_next(small):
    add_check(small, 3)
    small.deliver("shop", "2.csv", "3,three")
    small.run("run", "shop", code=1)
    other = small.run("run", "other")  # it leaves alone what is another's
    assert "problem" not in other.stderr and "  model  " not in other.stdout
    assert other.stdout.count("is built and not published") == 1 and "shop is not published" not in other.stdout
    status = small.status()
    assert [row["domain"] for row in status["waiting_domains"]] == ["shop_gold"] and status["not_published"] == []
    add_check(small, 4)
    assert "published shop_gold" in small.run("run", "other").stdout
    assert small.gold("shop") == [(1, "one"), (2, "two"), (3, "three")] and waiting(small) == ([], [])
    assert "nothing to publish" in small.run("run", "shop").stdout  # all that it brought is published


def test_a_plan_builds_nothing_on_rows_that_failed_their_checks(small):
    correct = fail_staging(small)
    small.deliver("shop", "2.csv", "3,three")
    small.run("run", "shop", code=1)
    edit_model(small, change=upper)
    done = small.run("plan", code=1)
    assert "check failed: staging shop" in done.stderr
    assert waiting(small)[0] == ["shop_gold.things_now"] and small.gold("shop") == [(1, "one"), (2, "two")]
    correct()
    assert "published shop_gold" in small.run("plan").stdout
    assert small.gold("shop") == [(1, "ONE"), (2, "TWO"), (3, "THREE")] and waiting(small) == ([], [])


@pytest.mark.nightly
def test_rows_that_failed_their_checks_stay_unpublished_where_their_source_is_no_longer_declared(small):
    """Removed by a colleague, or by another branch that runs on the same warehouse."""
    correct = fail_staging(small)
    small.deliver("shop", "2.csv", "3,three")
    small.run("run", "shop", code=1)
    source = small.code / "dlt_sources/shop"
    source.rename(small.folder / "shop")
    files = small.environment.pop("ELT_SHOP_FILES")
    small.deliver("other", "1.csv", "5,five")
    assert json.loads(small.run("run", "--now", "--json").stdout)["published"] == ["other_gold"]
    edit_model(small, change=upper)
    small.run("plan")
    assert small.gold("shop") == [(1, "one"), (2, "two")]
    (small.folder / "shop").rename(source)
    small.environment["ELT_SHOP_FILES"] = files
    correct()
    assert "published shop_gold" in small.run("plan").stdout
    assert small.gold("shop") == [(1, "ONE"), (2, "TWO"), (3, "THREE")] and waiting(small) == ([], [])


def test_the_checks_of_a_model_that_waits_for_a_plan_hold_nothing_up(small):
    text = (small.code / "sqlmesh_project/models/shop_gold/things_now.sql").read_text()
    (small.code / "sqlmesh_project/models/shop_gold/newer.sql").write_text(text.replace("things_now", "newer"))
    test = small.code / "sqlmesh_project/tests/test_shop.yaml"
    test.write_text(
        test.read_text() + test.read_text().replace("things_now", "newer").replace("test_shop", "test_newer")
    )
    add_check(small, 1, "must_be_greater_than", model="newer")
    small.deliver("shop", "2.csv", "3,three")
    assert "published shop_gold" in small.run("run", "shop").stdout
    assert "not_built" in small.run("check", "shop").stdout
    small.run("plan")
    assert (
        small.query("SELECT count(*) FROM shop_gold.newer") == [(3,)]
        and "all passed" in small.run("check", "shop").stdout
    )
    add_check(small, 1, "must_be_greater_than", model="no_such_model")
    small.run("check", "shop", code=1)


def test_a_domain_that_is_removed_leaves_what_dashboards_read(small):
    add_domain(small)
    small.run("plan")
    for path in (
        small.code / "sqlmesh_project/models/more_gold/things_now.sql",
        small.code / "sqlmesh_project/tests/test_more_gold.yaml",
    ):
        path.unlink()
    assert waiting(small) == (["more_gold.things_now"], [])
    small.run("plan")
    tables = small.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'more_gold'")
    assert tables == [] and waiting(small) == ([], []) and small.gold("shop")
