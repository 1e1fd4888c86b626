"""What `mnist-course hand-out` does: put what students get into a folder."""

import click

from mnist_course.cli import lessons
from mnist_course.grading import hand_out


def run(chosen, folder, policy_file):
    """Write the notebooks of the lessons, a page for students and a note into a folder."""
    names = hand_out.lessons_of(chosen)
    counts = _counts(policy_file, names)
    found = hand_out.files(lessons.course_folder(), names, counts)
    for path in hand_out.write(found, folder):
        click.echo(path)
    hidden = sum(one[1] for one in (counts or {}).values())
    if counts is None:
        click.echo("No policy was named, so students read that there may be hidden cases.")
    else:
        click.echo(
            f"Students read how many hidden cases each exercise has, {hidden} in all, but never "
            "what they are."
        )
    click.echo(
        "The notebooks hold no solutions. The installed course does, in mnist_course/exercises, "
        "because the checks need the right answers."
    )


def _counts(policy_file, names):
    """(visible, hidden) cases of the lessons' exercises, by a policy; None without one."""
    if policy_file is None:
        return None
    from mnist_course.grading.policy import case_counts, read

    graded = case_counts(read(policy_file))
    return {name: graded[name] for name in graded if hand_out.EXERCISES[name].lesson in names}
