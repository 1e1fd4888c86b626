"""An answer is stopped when its time is over or it prints too much; a timer never rings outside."""

import signal
import sys
import threading
import time
import types

import pytest
from doubling import judged, right

from mnist_course.assessment import limits
from mnist_course.assessment.limits import OutOfTime, PrintedTooMuch, TimeLimit
from mnist_course.assessment.observation import Ending, observe
from mnist_course.assessment.verdict import Verdict

unix = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no such timers")


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 0.1)


@pytest.fixture
def windows(monkeypatch):
    """A system without timers that ring by a signal."""
    for name in ("SIGALRM", "alarm", "setitimer", "getitimer", *ITIMERS):
        monkeypatch.delattr(signal, name, raising=False)


ITIMERS = ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")


def endless(image, factor):
    while True:
        image = image + 1


def empty(image, factor):
    while True:
        pass


def catching(image, factor):
    while True:
        try:
            image = image * factor
        except Exception:
            pass


def stubborn(image, factor):
    while True:
        try:
            image = image * factor
        except BaseException:
            pass


def stubborn_and_asleep(image, factor):
    while True:
        try:
            time.sleep(0.001)
        except BaseException:
            pass


def stubborn_inside(image, factor):
    """Here, only the jump from the handler back to the loop's beginning is outside of `try`."""
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


def recursive(image, factor):
    try:
        while True:
            pass
    finally:
        return image * factor  # noqa: B012


class Clock:
    """In place of `limits.time`: time passes only where a test says so."""

    used = passed = 0.0

    def thread_time(self):
        return self.used

    def perf_counter(self):
        return self.passed


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    return clock


@unix
@pytest.mark.parametrize(
    "answer",
    [endless, empty, catching, stubborn, stubborn_and_asleep, stubborn_inside, recursive],
)
def test_a_loop_without_end_is_stopped(answer, short, monkeypatch):
    monkeypatch.setattr(limits, "WAITING", 0.2)  # one loop mostly sleeps
    assert judged(answer).verdict is Verdict.TIME
    assert judged(right).verdict is Verdict.PASSED


@pytest.mark.parametrize("answer", [endless, empty, catching, recursive])
def test_a_loop_without_end_is_stopped_where_no_timer_rings(answer, short, windows):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    assert judged(answer).verdict is Verdict.TIME
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert judged(right).verdict is Verdict.PASSED


def test_no_ring_comes_after_the_end_where_no_timer_rings(windows, monkeypatch):
    monkeypatch.setattr(limits, "LOOK", 0.0)
    for _ in range(50):
        with TimeLimit() as limit:
            pass
        assert not limit._ringing.is_alive()


@pytest.mark.parametrize("system", ["unix", "windows"])
def test_the_line_that_did_not_end_is_told(system, short, request):
    if system == "windows":
        request.getfixturevalue("windows")
    result = judged(endless)
    assert result.verdict is Verdict.TIME
    assert "took longer than 0.1 s" in result.sentence
    assert "`while True:`" in result.sentence or "`image = image + 1`" in result.sentence


@pytest.fixture
def interruptible():
    """SIGINT raises KeyboardInterrupt, as in a kernel; in a shell's background it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("system", ["unix", "windows"])
def test_a_student_s_interrupt_stops_an_answer(system, request, interruptible):
    if system == "windows":
        request.getfixturevalue("windows")

    def interrupted(image, factor):
        signal.raise_signal(signal.SIGINT)
        return image * factor

    result = judged(interrupted)
    assert result.verdict is Verdict.TIME
    assert "It was interrupted. Line" in result.sentence


def test_what_sleeps_is_stopped_after_a_while(monkeypatch):
    monkeypatch.setattr(limits, "WAITING", 0.2)

    def sleepy(image, factor):
        time.sleep(600)

    result = judged(sleepy)
    assert result.verdict is Verdict.TIME
    assert "Does it sleep, or wait for something?" in result.sentence
    assert "`time.sleep(600)`" in result.sentence
    assert judged(right).verdict is Verdict.PASSED


@unix
def test_the_time_that_other_programs_take_does_not_count(clock):
    def held_up(image, factor):
        clock.passed += 0.9 * limits.WAITING  # the processor works for others
        clock.used += 0.9 * limits.SECONDS
        signal.raise_signal(signal.SIGALRM)  # now the clocks are looked at
        return image * factor

    assert judged(held_up).verdict is Verdict.PASSED


@unix
@pytest.mark.parametrize(
    ("used", "passed", "words"),
    [(1.1, 0.0, "longer than 1 s"), (0.1, 1.1, "Does it sleep"), (1.1, 1.1, "longer than 1 s")],
)
def test_what_computes_too_long_is_told_from_what_waits_too_long(clock, used, passed, words):
    def answer(image, factor):
        clock.used += used * limits.SECONDS
        clock.passed += passed * limits.WAITING
        signal.raise_signal(signal.SIGALRM)
        return image * factor

    result = judged(answer)
    assert result.verdict is Verdict.TIME
    assert words in result.sentence


PACKAGE = """
import time
ends = time.thread_time() + 0.5
while time.thread_time() < ends:
    pass
"""


def test_the_time_of_loading_a_package_does_not_count(monkeypatch, tmp_path, short):
    (tmp_path / "slow_package_of_a_test.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)

    def importing(image, factor):
        import slow_package_of_a_test  # noqa: F401

        return image * factor

    assert judged(importing).verdict is Verdict.PASSED

    def importing_and_looping(image, factor):
        import slow_package_of_a_test  # noqa: F401

        while True:
            pass

    sys.modules.pop("slow_package_of_a_test")
    assert judged(importing_and_looping).verdict is Verdict.TIME


def test_a_ring_while_the_block_begins_or_ends_raises_nothing(monkeypatch):
    """On a busy machine a timer may ring between any two lines, those of the limit included."""
    monkeypatch.setattr(limits.random, "uniform", lambda *range: 3)  # the next ring is far away
    own = [
        types.SimpleNamespace(f_code=method.__code__, f_globals={}, f_back=None)
        for method in (TimeLimit.__enter__, TimeLimit.__exit__)
    ]
    with TimeLimit(seconds=1e-9) as limit:
        for frame in own:
            limit._ring(0, frame)
        assert not limit.over
        with pytest.raises(OutOfTime):
            limit._ring(0, sys._getframe())
        for frame in own:
            limit._ring(0, frame)
        assert limit.over
    limit._ring(0, sys._getframe())


def test_on_another_thread_there_is_no_limit_and_an_answer_is_judged(short):
    found = []
    thread = threading.Thread(target=lambda: found.append(judged(right)))
    thread.start()
    thread.join()
    assert found[0].verdict is Verdict.PASSED


# --- printing -----------------------------------------------------------------------------


def test_what_prints_too_much_is_stopped():
    def chatty(image, factor):
        while True:
            print("line", image)

    result = judged(chatty)
    assert result.verdict is Verdict.PRINTED
    assert "Take the `print` out of the loop. Line" in result.sentence


def test_what_is_printed_is_shown_shortened_and_nothing_gets_out(capfd):
    def chatty(image, factor):
        print("\x1b[2J\rline 0")
        for number in range(1, 40):
            print("line", number, file=sys.stderr if number == 1 else sys.stdout)
        return image

    result = judged(chatty)
    lines = result.printed.splitlines()
    assert lines[:2] == [" [2J", "line 0"]
    assert lines[2] == "line 1"
    assert result.printed.endswith(" …")
    assert len(lines) == 8
    assert capfd.readouterr() == ("", "")


class Silent(str):
    """A text that is in the way of whoever reads it."""

    def __len__(self):
        raise LookupError

    __str__ = __add__ = __getitem__ = __len__


def test_the_output_takes_texts_alone():
    def strange(image, factor):
        sys.stdout.write(Silent("read"))
        for no_text in (b"bytes", 3, None):
            with pytest.raises(TypeError):
                sys.stdout.write(no_text)
        assert sys.stdout.encoding == "utf-8"
        sys.stdout.close()
        return image

    assert judged(strange).printed == "read"


def test_a_closed_output_takes_no_more_and_breaks_no_check():
    from doubling import EXERCISE

    def closing(image, factor):
        sys.stdout.close()
        print("more")

    [first, *_] = observe(EXERCISE, closing).observations
    assert first.ending in (Ending.RAISED, Ending.RETURNED)


def test_the_limit_of_printing_is_one_of_characters():
    output = limits.Printed()
    output.write("x" * limits.PRINTED)
    with pytest.raises(PrintedTooMuch):
        output.write("x")
    assert str(output) == "x" * limits.PRINTED
