"""From what was found in a submission, and a policy, to the marks of a student."""

from mnist_course.assessment.verdict import Verdict
from mnist_course.grading.examination import Examined
from mnist_course.grading.findings import NOT_RUN
from mnist_course.grading.marks import (
    NOT_HANDED_IN,
    ExerciseMark,
    HiddenCase,
    LessonMark,
    StudentMark,
)
from mnist_course.grading.notebooks import one_line
from mnist_course.grading.policy import rounded

MOST_REMARKS = 20  # on a submission


def mark(submission, examined, policy):
    """The `StudentMark` for a submission.

    examined: what was found in it; None when it had to be set aside, so that nothing is judged.
    """
    late = policy.is_late(submission)
    aside = examined is None
    examined = examined or Examined()
    lessons = tuple(_lesson(lesson, examined, policy, late, aside) for lesson in policy.lessons)
    remarks = [*submission.problems, *submission.remarks, *examined.remarks]
    by = submission.stated.name if submission.stated else ""
    if by and by.casefold() != submission.name.casefold():  # a student wrote it, so it is a hint
        remarks.append(f"the hand-in file says that it is by {one_line(by, 100)}")
    if submission.openings:
        times = "once" if submission.openings == 1 else f"{submission.openings} times"
        remarks.append(f"the hand-in file says that the sealed test set was opened {times}")
    if not examined.files and not aside:
        remarks.insert(0, "no notebook of a lesson was handed in")
    if len(remarks) > MOST_REMARKS:
        remarks[MOST_REMARKS:] = [f"and {len(remarks) - MOST_REMARKS} more like these"]
    return StudentMark(
        key=submission.key,
        name=one_line(submission.name, 200),
        number=one_line(submission.number, 100),
        points=rounded(sum(lesson.points for lesson in lessons)),
        possible=rounded(sum(lesson.possible for lesson in lessons)),
        lessons=lessons,
        remarks=tuple(one_line(one) for one in remarks),
    )


def _lesson(lesson, examined, policy, late, aside):
    files = examined.files.get(lesson, [])
    exercises = tuple(
        _exercise(one, examined.findings.get(one.name), policy)
        if files or aside
        else ExerciseMark(one.name, NOT_HANDED_IN, 0.0, policy.possible(one))
        for one in policy.exercises(lesson)
    )
    weight = policy.weight(lesson)
    points = rounded(weight * sum(one.points for one in exercises))
    remarks = []
    if len(files) > 1:
        remarks.append(
            f"{len(files)} notebooks of this lesson, and the best answer to each exercise counts: "
            + ", ".join(files[:5])
            + (", …" if len(files) > 5 else "")
        )
    if late and files and policy.late_percent:
        remarks.append(f"late: {policy.late_percent:g} % of {points:g} points taken off")
        points = policy.after_late_rule(points)
    return LessonMark(
        lesson=lesson,
        file=files[0] if files else "",
        points=points,
        possible=rounded(weight * sum(one.possible for one in exercises)),
        exercises=exercises,
        late=late and bool(files),
        remarks=tuple(remarks),
    )


def _exercise(exercise, finding, policy):
    possible, costs = policy.possible(exercise), policy.costs(exercise)
    if finding is None:  # it could not be examined; a remark on the submission says why
        return ExerciseMark(exercise.name, Verdict.NOT_JUDGED.value, 0.0, possible)
    outcomes = finding.hidden or (NOT_RUN,) * len(costs)
    hidden = tuple(
        HiddenCase(number, outcome, 0.0 if outcome == "passed" else cost)
        for number, (outcome, cost) in enumerate(zip(outcomes, costs, strict=True), start=1)
    )
    passed = finding.verdict is Verdict.PASSED
    failed = [one.outcome for one in hidden if one.outcome != "passed"]
    remark = finding.remark
    if passed and failed:
        remark = f"{len(failed)} of {len(hidden)} hidden cases: {', '.join(dict.fromkeys(failed))}"
    return ExerciseMark(
        exercise=exercise.name,
        verdict=finding.verdict.value,
        points=rounded(possible - sum(one.cost for one in hidden)) if passed else 0.0,
        possible=possible,
        remark=remark,
        explanation=finding.explanation,
        hint=finding.hint,
        mistake=finding.mistake,
        visible=len(exercise.cases),
        hidden=hidden,
        source=finding.source,
    )
