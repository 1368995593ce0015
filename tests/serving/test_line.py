"""The line before the threads: order, and how long one would wait."""

import os
import sys
import threading
from collections.abc import Iterator

import pytest

from serving.line import Line, Pace


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line(1)
    yield line
    line.close()


def test_what_is_due_first_runs_first_and_nothing_is_passed_over(line: Line) -> None:
    gate, done = threading.Event(), list[str]()
    line.submit(gate.wait, 0)
    late = [line.submit(lambda: done.append("part"), 30), line.submit(lambda: done.append("second part"), 30)]
    early = line.submit(lambda: done.append("live"), 0)
    gate.set()
    for future in (early, *late):
        future.result(10)
    assert done == ["live", "part", "second part"]


def test_one_waits_for_what_goes_before_one(line: Line) -> None:
    gate, started = threading.Event(), threading.Event()
    line.pace.seconds = 0.1

    def hold() -> None:
        started.set()
        gate.wait()

    line.submit(hold, 0, calls=2)
    assert started.wait(10)
    line.submit(lambda: None, 0)
    line.submit(lambda: None, 30, calls=4)
    assert line.wait(0) == pytest.approx(0.2)  # one call, and half of the two that run
    assert line.wait(60) == pytest.approx(0.6)
    gate.set()


def test_what_raises_and_what_is_given_up_hold_nobody_up(line: Line) -> None:
    gate = threading.Event()
    line.submit(gate.wait, 0)
    wrong = line.submit(lambda: 1 // 0, 0)
    given_up = line.submit(lambda: 1, 0)
    assert given_up.cancel()
    gate.set()
    with pytest.raises(ZeroDivisionError):
        wrong.result(10)
    assert line.submit(lambda: 5, 0).result(10) == 5
    line.close()
    assert line.wait(0) == 0


def test_others_give_way_until_nothing_is_in_the_line(line: Line) -> None:
    gate = threading.Event()
    line.give_way(60)  # nothing is
    works = line.submit(gate.wait, 0)
    given_up = line.submit(lambda: 1, 0)
    given_up.cancel()
    line.give_way(0.01)
    assert not works.done(), "no longer than one would wait"
    other = threading.Thread(target=line.give_way, args=(60,))
    other.start()
    gate.set()
    other.join(10)
    assert not other.is_alive()
    assert works.done()


def test_the_pace_follows_what_was_measured() -> None:
    pace = Pace()
    for _ in range(200):
        pace.took(0.6, calls=3)
    assert pace.seconds == pytest.approx(0.2, rel=0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no priority of its own")
def test_its_threads_let_others_go_first() -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    line, before = Line(1, nice=3), priority()
    assert line.submit(priority, 0).result(10) == min(19, before + 3)
    assert priority() == before
    line.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority for each thread")
def test_where_the_system_forbids_priorities_work_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_: int) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "nice", forbidden)
    line = Line(1, nice=10)
    assert line.submit(lambda: "done", 0).result(10) == "done"
    line.close()
