"""Refines that run side by side hold together no more memory than one alone."""

import threading

import duckdb
import pytest

import settings as configuration
from dlt_sources._steps.stores import memory
from dlt_sources._steps.stores.engine import engine
from foundation.setting_types import bytes_of


def limit():
    """The bytes that an engine of this thread may hold."""
    with engine(memory="1GB") as con:
        [(text,)] = con.execute("SELECT current_setting('memory_limit')").fetchall()
    number, unit = text.split()
    return float(number) * 1024 ** ["bytes", "KiB", "MiB", "GiB"].index(unit)


@pytest.fixture
def whole():
    return bytes_of("1GB")


def test_alone_there_is_all_of_it(whole):
    assert memory.with_memory(1, limit) == pytest.approx(whole, rel=0.01)


@pytest.mark.parametrize(("size", "share"), [(1, 4), (memory.SMALL, 4), (memory.SMALL + 1, 1)])
def test_small_ones_share_and_a_large_one_has_all(size, share, whole):
    with memory.Room(4).entered():
        assert memory.with_memory(size, limit) == pytest.approx(whole / share, rel=0.01)
    assert limit() == pytest.approx(whole, rel=0.01)


def test_one_that_turns_out_to_be_large_is_done_again_with_all(whole):
    found = []

    def work():
        found.append(limit())
        if len(found) == 1:
            raise ValueError("wrapped") from duckdb.OutOfMemoryException("failed to allocate")
        return "done"

    with memory.Room(4).entered():
        assert memory.with_memory(1, work) == "done"
    assert found == pytest.approx([whole / 4, whole], rel=0.01)
    with pytest.raises(ValueError, match="other"), memory.Room(4).entered():
        memory.with_memory(1, lambda: (_ for _ in ()).throw(ValueError("other")))


def test_a_large_one_waits_for_the_small_ones_and_those_that_come_after_wait_for_it():
    room, order, begun, go_on = memory.Room(2), [], threading.Semaphore(0), threading.Event()

    def take(name, parts):
        with room.take(parts):
            order.append(f"{name} begins")
            begun.release()
            go_on.wait(5)
            order.append(f"{name} ends")

    threads = []
    for name, parts in (("one", 1), ("large", 2), ("late", 1)):
        threads.append(threading.Thread(target=take, args=(name, parts)))
        threads[-1].start()
        while len(room._asked) < len(threads) - 1:
            pass
    assert begun.acquire(timeout=5) and order == ["one begins"]
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert order == ["one begins", "one ends", "large begins", "large ends", "late begins", "late ends"]


@pytest.mark.parametrize(
    ("given", "readers", "many"), [("2GB", 32, 15), ("4GB", 32, 31), ("64MB", 32, 1), ("2GB", 3, 3)]
)
def test_as_many_are_refined_at_a_time_as_have_memory(given, readers, many, monkeypatch):
    monkeypatch.setenv("ELT_MEMORY", given)
    monkeypatch.setenv("ELT_READERS", str(readers))
    assert memory.refined_at_a_time(configuration.load()) == many
