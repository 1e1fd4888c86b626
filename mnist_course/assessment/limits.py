"""Limits on the time that an answer takes and on how much it prints.

The answer runs on the thread that calls it, which in a notebook is the kernel's main thread. A
timer interrupts that thread with a signal, whose handler raises `OutOfTime` inside the answer.
Windows has no such timer, so a second thread imitates the signal there.

What is too slow is told by the processor's time, because a busy machine takes nothing away from
that. The clock only ends what hardly computes: a call that sleeps, or waits for somebody.

One long call of C code, such as `sum(itertools.count())`, can't be interrupted; nor, on Windows,
can a loop that swallows every exception. Both hold the kernel until it is restarted with Kernel →
Restart. Grading runs answers in a process of their own, which it can end.
"""

import _thread
import contextlib
import importlib
import io
import random
import signal
import threading
import time

SECONDS = 1.0  # of the processor, for one call; a right answer needs some hundredths
WAITING = 10.0  # seconds on the clock for one call; grading sets more, since no student waits
LOOK = 0.1  # seconds between two looks at the clock
PRINTED = 100_000  # characters after which an answer that prints is stopped

IMPORTS = vars(importlib._bootstrap)  # type: ignore[attr-defined]  # what `import` runs in


class OutOfTime(BaseException):
    """Raised inside the answer when its time is over."""


class PrintedTooMuch(BaseException):
    """Raised inside a `print` of the answer."""


class TimeLimit:
    """`with TimeLimit() as limit:` raises `OutOfTime` in its block when the time is over.

    over: whether it was raised; the block may have swallowed it. waited: whether it was the clock
    that ended it, and not the processor's time. On any thread but the main one there is no limit,
    because Python handles signals on the main thread alone.
    """

    def __init__(self, seconds=None):
        self.seconds = SECONDS if seconds is None else seconds
        self.over = self.waited = False
        self._inside = False
        self._ended = threading.Event()

    def __enter__(self):
        self._started = time.perf_counter()
        self._used = self._seen = time.thread_time()
        if threading.current_thread() is threading.main_thread():
            self._inside = True
            if hasattr(signal, "setitimer"):
                self._signal = signal.SIGALRM
                self._before = signal.signal(self._signal, self._ring)
                signal.setitimer(signal.ITIMER_REAL, min(LOOK, self.seconds), LOOK)
            else:
                self._signal = signal.SIGTERM  # and not SIGINT, by which a student interrupts
                self._before = signal.signal(self._signal, self._ring)
                self._ringing = threading.Thread(target=self._imitate, daemon=True)
                self._ringing.start()
        return self

    def __exit__(self, kind, error, trace):
        inside, self._inside = self._inside, False  # from here on the handler raises nothing
        self._ended.set()
        if inside:
            if hasattr(signal, "setitimer"):
                signal.setitimer(signal.ITIMER_REAL, 0)
            else:
                self._ringing.join()  # else it could ring for the handler from before
            signal.signal(self._signal, self._before)

    def _ring(self, number, frame):
        own = (TimeLimit.__enter__.__code__, TimeLimit.__exit__.__code__)
        if not self._inside or frame is None or frame.f_code in own:
            return
        self.over = self.over or self._is_over(frame)
        if not self.over:
            return
        # `except:` in an endless loop swallows what is raised. So the timer rings on until it rings
        # while the loop is not inside its `try`. A fixed delay falls into step with a loop that
        # sleeps, and then takes thousands of rings; one of 1 to 300 microseconds takes some tens.
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 10 ** random.uniform(-6, -3.5), LOOK)
        raise OutOfTime

    def _is_over(self, frame):
        """Whether the time is over. What other programs take is not the answer's time.

        Nor is what Python takes to load a package that the answer imports.
        """
        now = time.thread_time()
        if _is_import(frame):
            self._used += now - self._seen
        self._seen = now
        if now - self._used > self.seconds:
            return True
        self.waited = time.perf_counter() - self._started > WAITING
        return self.waited

    def _imitate(self):
        while not self._ended.wait(0.001 if self.over else LOOK):
            _thread.interrupt_main(self._signal)


def _is_import(frame):
    """Whether an import is under way in a frame or around it."""
    while frame is not None:
        if frame.f_globals is IMPORTS:
            return True
        frame = frame.f_back
    return False


class Printed(io.TextIOBase):
    """Takes what is printed, up to a limit."""

    encoding = "utf-8"

    def __init__(self):
        super().__init__()
        self.parts, self.length = [], 0

    def writable(self):
        return True

    def write(self, text):
        if not issubclass(type(text), str):  # what else it took would break whoever reads it
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        text = str.__str__(text)
        self.length += len(text)
        if self.length > PRINTED:
            raise PrintedTooMuch
        self.parts.append(text)
        return len(text)

    def __str__(self):
        return "".join(self.parts)


@contextlib.contextmanager
def printed():
    """Yields a `Printed` that takes what the block prints."""
    taken = Printed()
    with contextlib.redirect_stdout(taken), contextlib.redirect_stderr(taken):
        yield taken
