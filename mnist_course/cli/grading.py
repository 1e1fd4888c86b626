"""What `mnist-course grade` does: check the machine, grade, write the reports."""

import contextlib

import click
from tqdm import tqdm

from mnist_course import capacity, runtime
from mnist_course.exercises import EXERCISES
from mnist_course.grading import batch, cluster, policy, reports, sandbox, submissions
from mnist_course.grading.examiners import Examiner
from mnist_course.grading.processes import ended_by_sigterm

WITHOUT = (
    "Without a sandbox an answer may read, change and send away whatever you can, the hidden cases "
    "among it."
)


def run(source, to, policy_file, workers, scheduler, sandboxed, gradebook):
    """Grade the submissions in `source`, and write all reports into the folder `to`.

    gradebook: a dict with the options of `reports.write_all`. Raises CourseError, before any answer
    runs, for what can't be read and for a machine without a sandbox, unless it is not asked for.
    """
    export = gradebook["export"]
    if export is not None and not export.is_file():
        raise runtime.CourseError(f"there is no file {export} to fill in")
    if export is not None and export.name.casefold() in reports.TABLES:
        if export.resolve().parent == to.resolve():
            raise runtime.CourseError(
                f"grading writes its own {export.name.lower()} into {to}, which would replace your "
                f"export {export}: rename it, or name another folder with --to"
            )
    chosen = policy.read(policy_file)
    if source.is_dir() and source.resolve() == to.resolve():
        raise runtime.CourseError(
            f"{to} holds the submissions, so reports would be taken for more of them: name another "
            "folder with --to"
        )
    handed_in = submissions.read(source, reports=to)
    missing = not scheduler and sandbox.problem()  # each worker of a cluster is asked itself
    if missing and sandboxed:
        raise runtime.CourseError(
            f"nobody was graded, because there is no sandbox: {missing}. To have one, "
            f"{sandbox.remedy()}. With --no-sandbox you grade without one"
        )
    if missing or (scheduler and not sandboxed):
        click.echo(WITHOUT, err=True)
    with ended_by_sigterm(), _examiners(workers, scheduler, sandboxed) as (first, examiners):
        click.echo("First the course's own solutions are graded …", err=True)
        batch.preflight(chosen, first, everywhere=bool(scheduler))
        marks, seconds = _graded(handed_in, chosen, to, examiners)
    lines = batch.changes(marks, to)
    if lines:
        click.echo(f"Since the last time points changed for {len(lines)}:")
        for line in lines:
            click.echo(f"    {line}")
    for name in sorted(chosen.late_students | chosen.excused):
        if not any(name in (one.name, one.number, one.key) for one in handed_in):
            click.echo(f"{name} stands in the policy's late rules, but handed in nothing here")
    reports.write_times(seconds, to)
    click.echo(f"{len(marks)} submissions are graded. Begin with {to / 'grades.csv'}")
    for line in reports.write_all(marks, EXERCISES, to, **gradebook):  # may refuse the gradebook
        click.echo(line)


def _graded(handed_in, chosen, to, examiners):
    # without a terminal there is no bar
    with tqdm(total=len(handed_in), unit="submission", disable=None) as bar:
        try:
            return batch.grade(handed_in, chosen, to, examiners, done=bar.update)
        except (KeyboardInterrupt, SystemExit):
            bar.close()
            click.echo(
                "Stopped. What is graded is kept: the same command goes on from here.", err=True
            )
            raise


@contextlib.contextmanager
def _examiners(workers, scheduler, sandboxed):
    """What grades the solutions, and what grades submissions: processes here, or a cluster."""
    with contextlib.ExitStack() as stack:
        if scheduler:
            found = stack.enter_context(cluster.Cluster(scheduler, sandboxed))
            yield found.each, found.examiners
        else:
            count = workers or capacity.cores()
            here = [stack.enter_context(Examiner()) for _ in range(count)]
            yield here, here
