"""Grade the submissions of a class, several at once. What is found is kept, see `records`."""

import concurrent.futures
import queue
import tempfile
import threading
from pathlib import Path

from mnist_course import runtime
from mnist_course.assessment.hidden_cases import decoded
from mnist_course.assessment.observation import reference_value
from mnist_course.exercises import EXERCISES
from mnist_course.grading import marking, records, solutions
from mnist_course.grading.examination import Examined
from mnist_course.grading.examiners import ExaminerLost
from mnist_course.grading.notebooks import one_line
from mnist_course.grading.submissions import collect

TRIES = 2  # of one submission, where an examiner is lost
LOOK = 0.5  # seconds between two looks, because Windows lets nothing interrupt a long wait


def grade(submissions, policy, to, examiners, done=lambda: None):
    """Grade submissions. Returns (marks, times): a `StudentMark` for each, and seconds.

    to: the folder whose `records` are used and kept. examiners: what examines one submission at a
    time, as `examiners.Examiner` does; there are as many at work as are given. done: is called
    after each submission. times: (submission, exercise, seconds) of every answer that was run.
    Raises CourseError when answers can't be run, and whatever interrupts it; then no examiner is
    at work any more, and another call goes on where this one stopped.
    """
    kept, codes = records.Records(Path(to) / "records"), records.codes(policy)
    found: list[tuple] = [()] * len(submissions)

    def work(place, examiner):
        submission = submissions[place]
        examined = _examined(submission, policy, kept, codes, examiner)
        seconds = {} if examined is None else examined.findings
        found[place] = (
            marking.mark(submission, examined, policy),
            {name: finding.seconds for name, finding in seconds.items()},
        )
        done()

    share_out(range(len(submissions)), work, examiners)
    times = [
        (submission, name, seconds)
        for submission, (_, of_exercises) in zip(submissions, found, strict=True)
        for name, seconds in of_exercises.items()
    ]
    return [one for one, _ in found], times


def share_out(things, work, examiners):
    """Call work(thing, examiner) for all things, each examiner on a thread of its own.

    Whatever happens to one of them or to this thread ends all examiners, and is raised.
    """
    waiting: queue.SimpleQueue = queue.SimpleQueue()
    for thing in things:
        waiting.put(thing)
    stopping = threading.Event()

    def serve(examiner):
        while not stopping.is_set():
            try:
                thing = waiting.get_nowait()
            except queue.Empty:
                return
            work(thing, examiner)

    with concurrent.futures.ThreadPoolExecutor(len(examiners)) as pool:
        running = [pool.submit(serve, examiner) for examiner in examiners]
        try:
            pending = set(running)
            while pending:
                finished, pending = concurrent.futures.wait(pending, LOOK)
                for one in finished:
                    one.result()
        except BaseException:
            stopping.set()
            for examiner in examiners:
                examiner.end()  # so that its thread has nothing to wait for
            raise


def _examined(submission, policy, kept, codes, examiner):
    """What was found in a submission, now or earlier; None when it had to be set aside."""
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as folder:
        collected = collect(submission, folder)
        record = kept.load(submission.key)
        names = record.wanted(collected.digest, codes)
        if not names:
            return record.examined
        try:
            examined = _asked(examiner, folder, collected, names, policy)
        except ExaminerLost as error:
            submission.remarks.append(
                "set aside, because examining it ended Python each time: look at it yourself"
                + (f" ({one_line(str(error), 100)})" if str(error) else "")
            )
            return None
    record = record.updated(collected.digest, codes, names, examined)
    kept.save(submission.key, record)
    return record.examined


def _asked(examiner, folder, collected, names, policy):
    """What an examiner finds in the collected files in this folder, on exercises of these names."""
    cases = {name: policy.cases[name] for name in names if name in policy.cases}
    paths = collected.notebooks
    for number in range(1, TRIES + 1):
        try:
            found = examiner.ask(folder=folder, paths=paths, names=names, cases=cases)
            return Examined.decoded(found)
        except ExaminerLost as error:
            if number == TRIES or error.for_good:
                raise


# --- before anybody is graded -------------------------------------------------------------


def preflight(policy, examiners, everywhere=False):
    """Grade the course's own solutions. Raises CourseError unless they score full marks.

    everywhere: whether each examiner does so, because it may be on a machine of its own; else they
    share the lessons.
    """
    _try_hidden_cases(policy)
    problems: dict[str, str] = {}

    def work(part, examiner):
        exercises, submission = part
        failed = dict.fromkeys((one.name for one in exercises), "")
        for _ in range(TRIES):  # a busy machine may have let the time of one run out
            failed = _failed(policy, submission, list(failed), examiner)
            if not failed:
                return
        problems.update(failed)

    if everywhere:
        parts = [policy.exercises()]
    else:  # each takes its part of the lessons at once, since the start is what takes time
        count = min(len(examiners), len(policy.lessons))
        lessons = [policy.lessons[place::count] for place in range(count)]
        parts = [sum(map(policy.exercises, part), []) for part in lessons]
    # Made here and not on the threads: Python 3.11 stops where two of them parse at once.
    made = [(part, solutions.submission(part)) for part in parts]
    if everywhere:
        share_out(examiners, lambda one, _: work(made[0], one), examiners)
    else:
        share_out(made, work, examiners)
    if problems:
        told = "; ".join(
            f"{EXERCISES[name].number} {name}: {problem}" for name, problem in problems.items()
        )
        raise runtime.CourseError(
            "nobody was graded, because the course's own solutions don't score full marks here. "
            f"{told}. A hidden case that is named may ask for too much; if none is, this machine "
            f"lacks something. Type: {runtime.command('doctor')}"
        )


def _failed(policy, submission, names, examiner):
    """What is wrong with the course's own answers to the exercises of these names, by name."""
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as folder:
        collected = collect(submission, folder)
        try:
            examined = _asked(examiner, folder, collected, names, policy)
        except ExaminerLost as error:
            raise runtime.CourseError(
                f"the process that grades ended on the course's own solutions: {error}. "
                f"Type: {runtime.command('doctor')}"
            ) from error
    marked = marking.mark(submission, examined, policy)
    return {
        one.exercise: one.remark or one.verdict
        for lesson in marked.lessons
        for one in lesson.exercises
        if one.exercise in names and one.points < one.possible
    }


def _try_hidden_cases(policy):
    """Raises CourseError for a hidden case that does not fit its exercise."""
    for name, rows in policy.cases.items():
        exercise = EXERCISES[name]
        for number, case in enumerate(decoded(exercise, rows), start=1):
            try:
                reference_value(exercise, exercise.reference, case)
            except Exception as error:  # whatever unfit values lead it to
                raise runtime.CourseError(
                    f"hidden case {number} of {name} does not fit the exercise: the course's own "
                    f"answer stops with {type(error).__name__}: {one_line(str(error))}. Mend it in "
                    "the policy"
                ) from error


# --- whose points changed -----------------------------------------------------------------


def changes(marks, to):
    """A line for each student whose points differ from those of the last whole run in this folder.

    Notes the points of this one for the next time.
    """
    kept, lines = records.Records(Path(to) / "records"), []
    for mark in marks:
        record = kept.load(mark.key)
        points = {one.exercise: one.points for lesson in mark.lessons for one in lesson.exercises}
        points["all lessons"] = mark.points
        before = record.reported
        changed = [
            f"{EXERCISES[name].number if name in EXERCISES else name} "
            f"{before[name]:g} → {points[name]:g}"
            for name in points
            if name in before and before[name] != points[name]
        ]
        if changed:
            lines.append(f"{one_line(mark.key, 100)}: {', '.join(changed)}")
        if points != before:
            record.reported = points
            kept.save(mark.key, record)
    return lines
