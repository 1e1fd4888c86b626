"""Limits on the time that an answer takes and on what it prints.

The answer runs on the thread that calls it, in a notebook the kernel's main thread. A timer
interrupts that thread by a signal, whose handler raises `OutOfTime` inside of the answer. Windows
has no timer of this kind, so a thread sends the interrupt there.

What stays in one call of C code, such as `sum(itertools.count())`, can't be interrupted; nor, on
Windows, a loop that swallows every exception. Both hold the kernel until Kernel → Restart.
Grading runs answers in a process of their own, which it can end.
"""

import _thread
import contextlib
import io
import random
import signal
import sys
import threading
import time

SECONDS = 1.0  # of the processor, for all cases together; a right answer needs some hundredths
WAITING = 10.0  # seconds of waiting, where the processor works for others, or the answer sleeps
LOOK = 0.1  # seconds between two looks at the clock
PRINTED = 100_000  # characters after which an answer that prints is stopped


class OutOfTime(BaseException):
    """Raised inside the answer when its time is over."""


class PrintedTooMuch(BaseException):
    """Raised inside a `print` of the answer."""


class TimeLimit:
    """`with TimeLimit() as limit:` raises `OutOfTime` in its block when the time is over.

    over: whether it did; the block may have swallowed the exception. On another thread than the
    main one there is no limit, since Python handles signals on the main thread alone.
    """

    def __init__(self, seconds=None):
        self.seconds = SECONDS if seconds is None else seconds
        self.over = False
        self._inside = False
        self._ended = threading.Event()

    def __enter__(self):
        self._started = time.perf_counter()
        self._used = time.thread_time()
        self._modules = len(sys.modules)
        if threading.current_thread() is threading.main_thread():
            if hasattr(signal, "setitimer"):
                self._signal = signal.SIGALRM
                self._before = signal.signal(self._signal, self._ring)
                signal.setitimer(signal.ITIMER_REAL, min(LOOK, self.seconds))
            else:
                self._signal = signal.SIGINT
                self._before = signal.signal(self._signal, self._ring)
                threading.Thread(target=self._interrupt, daemon=True).start()
            self._inside = True
        return self

    def __exit__(self, kind, error, trace):
        inside, self._inside = self._inside, False  # from here on the handler raises nothing
        self._ended.set()
        if inside:
            if hasattr(signal, "setitimer"):
                signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(self._signal, self._before)

    def _ring(self, number, frame):
        if not self._inside:
            return
        self.over = self.over or self._is_over()
        if not self.over:
            if self._signal != signal.SIGINT:
                signal.setitimer(signal.ITIMER_REAL, LOOK)
            return
        # `except:` in an endless loop swallows what is raised. So the timer rings on, after another
        # time of some microseconds at each turn: one ring comes while the loop is not inside `try`.
        if self._signal != signal.SIGINT:
            signal.setitimer(signal.ITIMER_REAL, 10 ** random.uniform(-6, -3.5))
        raise OutOfTime

    def _is_over(self):
        """Whether the time is over. What other programs take is not the answer's time.

        Nor is it while Python loads a package: then there are more modules than at the last look.
        """
        modules, self._modules = self._modules, len(sys.modules)
        waited = time.perf_counter() - self._started > WAITING
        return waited or (
            time.thread_time() - self._used > self.seconds and modules == self._modules
        )

    def _interrupt(self):
        while not self._ended.wait(0.001 if self.over else LOOK):
            _thread.interrupt_main()


class Printed(io.TextIOBase):
    """Takes what is printed, up to a limit."""

    def __init__(self):
        super().__init__()
        self.parts, self.length = [], 0

    def writable(self):
        return True

    def write(self, text):
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
