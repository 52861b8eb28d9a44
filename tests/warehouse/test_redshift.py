"""The project's own way to Redshift."""

import pytest

import warehouse.redshift as ours
from warehouse.connection import WarehouseError, connect

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
