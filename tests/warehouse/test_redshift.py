"""The project's own way to Redshift."""

import pytest

import warehouse.redshift as ours
from warehouse import sessions
from warehouse.connection import WarehouseError, connect, keep_warehouse_open

SLOW = "SELECT count(*) FROM pg_class AS a, pg_class AS b, pg_class AS c WHERE a.relnatts + b.relnatts + c.relnatts < 0"


def test_a_statement_may_take_longer_than_a_login(on_redshift, monkeypatch):
    monkeypatch.setattr(ours, "REACHED", 1)
    with connect(on_redshift) as session:
        began = session.execute("SELECT GETDATE()").fetchall()[0][0]
        assert session.execute(SLOW).fetchall() == [(0,)]
        assert (session.execute("SELECT GETDATE()").fetchall()[0][0] - began).total_seconds() > 1


def test_what_was_begun_and_failed_is_undone(on_redshift):
    with connect(on_redshift) as session:
        session.execute("CREATE TABLE public.undone (n BIGINT)")
        session.execute("BEGIN")
        session.execute("INSERT INTO public.undone VALUES (?)", [1])
        with pytest.raises(WarehouseError, match="no_such_table"):
            session.execute("SELECT 1 FROM no_such_table")
        session.roll_back()
        assert session.execute("SELECT count(*) FROM public.undone").fetchall() == [(0,)]
        session.execute("DROP TABLE public.undone")


@pytest.fixture
def logins(redshift, monkeypatch):
    """A list that gets an element for each login."""
    found = []
    monkeypatch.setattr(redshift, "asked", lambda sql, session: found.append(1) if session is None else None)
    return found


def ask(on_redshift):
    with connect(on_redshift) as session:
        return session.execute("SELECT 1").fetchall()


def test_a_run_logs_in_once_and_others_each_time(on_redshift, redshift, logins):
    with keep_warehouse_open(on_redshift):
        assert ask(on_redshift) == ask(on_redshift) == [(1,)] and len(logins) == 1
        with connect(on_redshift), connect(on_redshift):
            pass  # two at a time are two sessions
        ask(on_redshift)
        assert len(logins) == 2
    assert sessions._idle is None
    ask(on_redshift), ask(on_redshift)
    assert len(logins) == 4


def test_a_session_in_which_something_failed_is_not_used_again(on_redshift, logins):
    with keep_warehouse_open(on_redshift):
        with pytest.raises(WarehouseError), connect(on_redshift) as session:
            session.execute("BEGIN")
            session.execute("SELECT 1 FROM no_such_table")
        assert ask(on_redshift) == [(1,)] and len(logins) == 2
        with connect(on_redshift) as session:
            session.execute("CREATE TABLE public.left_open (n BIGINT)")
            session.execute("BEGIN")
            session.execute("INSERT INTO public.left_open VALUES (?)", [1])
        with connect(on_redshift) as session:
            assert session.execute("SELECT count(*) FROM public.left_open").fetchall() == [(0,)]
            session.execute("DROP TABLE public.left_open")


def test_a_session_that_the_server_has_ended_or_that_was_idle_for_long_is_not_used_again(
    on_redshift, redshift, logins, monkeypatch
):
    with keep_warehouse_open(on_redshift):
        ask(on_redshift)
        redshift.restart()
        assert ask(on_redshift) == [(1,)] and len(logins) == 2
        monkeypatch.setattr(sessions, "IDLE", 0)
        assert ask(on_redshift) == [(1,)] and len(logins) == 3


def test_a_table_that_was_made_again_is_asked_for_with_the_same_words(on_redshift, logins):
    with keep_warehouse_open(on_redshift):
        for columns in ("a BIGINT", "a VARCHAR(5), b BIGINT"):
            with connect(on_redshift) as session:
                session.execute(f"CREATE TABLE public.copied ({columns})")
                found = session.execute("SELECT * FROM public.copied WHERE 1 = ?", [1]).description
                assert len(found) == columns.count(",") + 1
                session.execute("DROP TABLE public.copied")
    assert len(logins) == 1
