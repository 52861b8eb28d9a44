"""A thread whose permit is withdrawn is cut where it waits, and commits nothing more."""

import socket
import threading

from foundation import lock, permit
from foundation.permit import Permit, StoppedError
from warehouse import sessions

KEY = ("redshift", "a")


class Session:
    """A session with a server that never answers."""

    def __init__(self):
        self.socket, self.server = socket.socketpair()
        self.closed = False

    def wait(self):
        if self.socket.recv(1) == b"":
            raise OSError("the connection was closed")

    def close(self):
        self.closed = True
        self.socket.close()


def in_thread(given, work):
    """Do work in a thread under a permit; returns the thread and the list of what it raised."""
    raised = []

    def go():
        with given.hold():
            try:
                work()
            except Exception as error:
                raised.append(error)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    return thread, raised


def test_a_session_that_waits_is_cut_and_none_is_begun_after():
    given, waits = Permit(), [Session(), Session()]
    logged_in, begun = list(waits), threading.Barrier(3)

    def work():
        with sessions.session(KEY, logged_in.pop, lambda session: session.socket.fileno()) as session:
            begun.wait(5)
            session.wait()

    with sessions.kept():
        threads = [in_thread(given, work) for _ in waits]
        begun.wait(5)
        given.withdraw()
        for thread, raised in threads:
            thread.join(5)
            assert [str(error) for error in raised] == ["the connection was closed"]
        assert all(session.closed for session in waits)
        late = Session()
        thread, raised = in_thread(given, lambda: enter(late))
        thread.join(5)
        assert [type(error) for error in raised] == [StoppedError] and late.closed
        enter(Session())  # this thread works for nobody


def enter(session):
    with sessions.session(KEY, lambda: session, lambda session: session.socket.fileno()):
        pass


def test_a_session_that_was_given_back_is_not_cut():
    given, session = Permit(), Session()
    with sessions.kept():
        in_thread(given, lambda: enter(session))[0].join(5)
        given.withdraw()
        session.server.send(b"x")
        session.wait()


def test_the_lock_is_not_held_for_a_run_that_has_ended():
    given, ended, again = Permit(), threading.Event(), threading.Event()

    def work():
        lock.ensure_held()
        ended.set()
        again.wait(5)
        lock.ensure_held()

    thread, raised = in_thread(given, work)
    assert ended.wait(5)
    given.withdraw()
    again.set()
    thread.join(5)
    assert [type(error) for error in raised] == [StoppedError]
    lock.ensure_held()
    permit.check()
