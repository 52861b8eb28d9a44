"""The promises against a real account, in the order of a first evening and a second: see README.md."""

import time

import pytest

from tests.aws.estate import alike, differences

pytestmark = [pytest.mark.slow, pytest.mark.timeout(4 * 3600)]


def gold(pipeline):
    return alike(pipeline.gold())


def equal(on_aws, on_laptop):
    return list(differences(gold(on_laptop), gold(on_aws)))


def done(result):
    assert result.code == 0, result.out + result.err
    return result


@pytest.fixture(scope="module")
def first_evening(account, on_aws, on_laptop):
    """Both have run once; how long the one on AWS took, in seconds."""
    done(on_laptop("run", "--now"))
    began = time.monotonic()
    done(on_aws("run", "--now"))
    return time.monotonic() - began


def test_the_doctor_finds_all_there_is(on_aws, account):
    result = done(on_aws("doctor"))
    assert "missing" not in result.out and account.objects() == [] and account.glue() == []


def test_gold_on_redshift_equals_gold_on_the_laptop(on_aws, on_laptop, first_evening):
    found = gold(on_aws)
    assert {name.split(".")[0] for name in found} == {"audiophile", "deftunes", "people", "sales", "taxi"}
    assert all(found.values()) and equal(on_aws, on_laptop) == []


def test_all_of_it_lies_where_it_should(account, first_evening):
    assert {key.removeprefix(f"{account.prefix}/").partition("/")[0] for key in account.objects()} >= {
        "landing",
        "silver",
    }
    assert f"{account.name}_taxi" in account.glue()


def test_run_twice_is_run_once(on_aws, first_evening):
    before = alike(on_aws.staged()), gold(on_aws), on_aws.landed()
    done(on_aws("run", "--now"))
    assert (alike(on_aws.staged()), gold(on_aws), on_aws.landed()) == before


def test_a_failed_check_keeps_what_is_published(on_aws, world, first_evening):
    published = gold(on_aws)
    world.advance()
    failed = on_aws("run", "sales", "--now", patch="tests.patches:fail_staging:sales", **world.environment)
    assert failed.code == 1 and "planted" in failed.out + failed.err
    assert gold(on_aws) == published


def test_a_run_that_is_killed_is_finished_by_the_next(on_aws, on_laptop, world, first_evening):
    """The second evening, killed in the middle of the time that the first one took."""
    killed = on_aws("run", "--now", after=first_evening / 2, **world.environment)
    assert killed.code in (-9, 0), killed.out + killed.err
    done(on_aws("run", "--now", "--wait", "300", **world.environment))
    done(on_laptop("run", "--now", ELT_NOW=world.environment["ELT_NOW"]))
    assert equal(on_aws, on_laptop) == []
    assert done(on_aws("status", "--json", **world.environment)).json["pending_models"] == []
