"""The command `mnist-course`.

Each command imports what it needs when it runs, so that `--help` answers at once.
"""

import errno
import io
import os
import sys
import textwrap
from pathlib import Path

import click

from mnist_course import __version__, runtime
from mnist_course.cli import lessons, sharing
from mnist_course.names import OPTIMIZERS, Network

MAKE_ROOM = "The disk or your share of it is full: make room"
OTHER_FOLDER = (
    "Close what may hold the file, put the course into a folder of your own, or name a folder in "
    "which you may write"
)
REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), MAKE_ROOM),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), OTHER_FOLDER),
}


class Course(click.Group):
    """A group of commands that says foreseen errors in a sentence; exit status 1."""

    def invoke(self, context):
        try:
            return super().invoke(context)
        except ImportError as error:
            line = runtime.command("doctor")
            raise click.ClickException(f"{error}. Type: {line}") from error
        except BrokenPipeError:
            raise  # whoever read our output has enough, as `head` has: click ends in silence
        except OSError as error:
            place = f" ({error.filename})" if error.filename else ""
            text = f"{error.strerror or error}{place}"
            if error.errno in REMEDIES:
                text += f". {REMEDIES[error.errno]}, then try again."
            raise click.ClickException(text) from error
        except runtime.CourseError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Course)
def main():
    """A course on recognising handwritten digits, in notebooks."""
    # a name or a student's line may hold any character, and a file on Windows takes few
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


@main.command()
def version():
    """Print the version of the course."""
    click.echo(__version__)


@main.command()
def doctor():
    """Say what was found on this machine and, for what is missing, the line to type."""
    from mnist_course.cli.checkup import examine

    ready = True
    for one in examine():
        mark = "ok" if not one.remedy else "MISSING" if one.needed else "note"
        click.echo(f"{mark:8} {one.name:13} {one.text}")
        if one.remedy:
            click.echo(f"{'':8} {'':13} -> {one.remedy}")
            ready = ready and not one.needed
    if not ready:
        click.echo("\nA lesson would not run yet: do what stands behind the arrows.")
        sys.exit(1)
    start = runtime.command("lab")
    if sharing.HUB in os.environ:
        start = "JupyterHub opens them in the browser"
    click.echo(f"\nThe lessons can start: {start}")


@main.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--folder",
    metavar="DIR",
    type=click.Path(path_type=Path, resolve_path=True),
    help="work in this folder; MNIST_COURSE_WORK=DIR names one for all commands",
)
@click.option("--hub", is_flag=True, help="for JupyterHub, which starts it so for its users")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def lab(folder, hub, options):
    """Open JupyterLab on your lessons. OPTIONS go to it: --no-browser --port 8899

    You work in the folder my-lessons, on your own copies, or in mnist-lessons in your home where
    the first can't be written. No copy that you edited is ever overwritten: a newer version of a
    lesson is put beside it.
    """
    from mnist_course.cli import jupyter

    folder = folder or lessons.work_folder()
    if refused := lessons.refusal(folder):  # said before anybody works on what can't be saved
        raise click.ClickException(
            f"you can't write {refused.filename} ({refused.strerror}). Name a folder of your own: "
            + runtime.command("lab --folder DIR")
        )
    click.echo(lessons.place(folder))
    if hub:  # on many servers a home is open to everybody
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for line in lessons.copy_lessons(lessons.course_folder(), folder):
        click.echo(line)
    jupyter.start(folder, options, hub)


@main.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option(
    "--json", "json_file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="write the same to this file too, as JSON, for other programs",
)  # fmt: skip
def progress(folder, json_file):
    """Show which exercises are solved, lesson by lesson.

    FOLDER holds the notebooks; without it, it is my-lessons. A notebook is known by what is in
    it, so its name does not matter.

    The answers in the notebooks are run: in a sandbox where bubblewrap is installed (Linux), else
    with your rights, so then use it only for notebooks whose authors you trust.
    """
    from mnist_course.cli.points import run

    run(folder or lessons.work_folder(), json_file)


@main.command("hand-out")
@click.option("--lessons", "chosen", required=True, help="such as 01-05, or 02,04")
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path),
    help="a new or empty folder",
)
@click.option(
    "--policy",
    "policy_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="the TOML by which you grade: students are told how many cases they don't see",
)
def hand_out_lessons(chosen, folder, policy_file):
    """For teachers: put what students get into a folder, without solutions."""
    from mnist_course.cli.hand_out import run

    run(chosen, folder, policy_file)


@main.command("hand-in")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--lessons", "chosen", help="such as 01-05, or 02,04; by default all")
@click.option(
    "--to",
    "target",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="the file to make, or a folder that is a drop box; MNIST_COURSE_DROPBOX names one too",
)
@click.option("--name", default="", help="your name, to stand in the file")
@click.option(
    "--show", metavar="FILE", type=click.Path(path_type=Path), help="say what is in a hand-in file"
)
def hand_in_notebooks(folder, chosen, target, name, show):
    """Make one file of your notebooks for your teacher, hand-in.zip.

    FOLDER holds the notebooks; without it, it is my-lessons. First you see what is solved. The file
    holds the notebooks as they were saved, the .py files that they import from their own folder,
    and a list. No earlier hand-in is overwritten: a number is added to the name.
    """
    from mnist_course.cli import hand_in
    from mnist_course.grading.hand_out import lessons_of

    if show is not None:
        sys.exit(not hand_in.show(show))
    wanted = lessons_of(chosen) if chosen else None
    hand_in.run(folder or lessons.work_folder(), target, wanted, name)


def print_example(context, option, wanted):
    """For --example-policy: print the file, and do nothing else."""
    if wanted:
        file = Path(__file__).parents[1] / "grading" / "policy.toml"
        click.echo(file.read_text(encoding="utf-8"), nl=False)
        context.exit()


@main.command()
@click.argument("submissions", type=click.Path(path_type=Path))
@click.option(
    "--to", metavar="DIR", required=True, type=click.Path(path_type=Path, file_okay=False),
    help="the folder for grades.csv and the pages; it also keeps what is already graded",
)  # fmt: skip
@click.option(
    "--policy", metavar="FILE", type=click.Path(path_type=Path),
    help="lessons, points, late rules and hidden cases (TOML); by default the course's own points",
)  # fmt: skip
@click.option(
    "--example-policy", is_flag=True, is_eager=True, expose_value=False, callback=print_example,
    help="print a policy that explains every key, and exit",
)  # fmt: skip
@click.option(
    "--workers", metavar="N", type=click.IntRange(1),
    help="submissions graded at once; by default as many as there are cores",
)  # fmt: skip
@click.option(
    "--fill", "export", metavar="EXPORT.csv", type=click.Path(path_type=Path),
    help="your own export of Moodle's grading worksheet or Canvas's gradebook: a copy is filled in",
)  # fmt: skip
@click.option(
    "--column", metavar="NAME", default="", help="the column to fill in, where several may be meant"
)
@click.option("--replace", is_flag=True, help="replace grades that stand there and differ")
@click.option("--scale", is_flag=True, help="convert points to the column's maximum")
@click.option("--scheduler", metavar="ADDRESS", help="grade on the Dask cluster of this scheduler")
@click.option(
    "--no-sandbox", "sandboxed", is_flag=True, flag_value=False, default=True,
    help="grade also where there is no sandbox: answers then have your rights",
)  # fmt: skip
def grade(submissions, to, policy, workers, scheduler, sandboxed, **gradebook):
    """Grade the submissions of a class.

    SUBMISSIONS is the zip or folder as Moodle, Canvas, Blackboard or git gives it, or hand-in
    files. Answers run in a sandbox, and on Linux alone there is one: bubblewrap.

    It can be interrupted: the same command goes on where it stopped. Given again after a change, it
    grades only what has changed, and says whose points are different now.
    """
    from mnist_course.cli.grading import run

    run(submissions, to, policy, workers, scheduler, sandboxed, gradebook)


def file_name(context, option, value):
    """A name for --save: a shell variable that is empty must not mean "save nothing"."""
    if value is not None and not value.strip():
        raise click.BadParameter("name a file; without --save nothing is saved")
    return value


# Wrapped here, because click would break a name at its hyphen.
NETWORK_NAMES = textwrap.fill(
    ", ".join(Network), 76, subsequent_indent="    ", break_on_hyphens=False
)


@main.command(
    help=f"""Train a network by its recipe; the options change the recipe.

    \b
    NETWORK is one of these; the one-letter names are those of the write-ups.
    {NETWORK_NAMES}

    Validation is on images set apart from the training images. The test set stays sealed.
    Ctrl-C ends the training early; --save then keeps the network, if an epoch is complete.
    """
)
@click.argument("network", metavar="NETWORK", type=click.Choice([one.value for one in Network]))
@click.option(
    "--data", "dataset", type=click.Choice(["mnist", "fashion"]), default="mnist", show_default=True
)
@click.option("--epochs", type=click.IntRange(1), help="passes over the training images")
@click.option("--batch-size", type=click.IntRange(1), help="images a step")
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), help="size of a step")
@click.option("--optimizer", type=click.Choice(OPTIMIZERS), help="needs its --learning-rate")
@click.option(
    "--decay",
    type=click.FloatRange(0, 1, min_open=True),
    help="factor on the learning rate after each epoch, in place of the recipe's schedule",
)
@click.option(  # NumPy takes no larger seed
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, help="of weights, order, augmentation"
)
@click.option("--device", help="cuda, mps or cpu; by default the first that is there")
@click.option("--dry-run", is_flag=True, help="one batch, to see that it works; saves nothing")
@click.option(
    "--save",
    type=click.Path(dir_okay=False),
    callback=file_name,
    help="keep the network in this file; replaces only a network that was saved so",
)
def train(network, dataset, seed, device, dry_run, save, **changes):
    from mnist_course.cli.training import run

    changes = {name: value for name, value in changes.items() if value is not None}
    run(network, dataset, changes, seed, device, dry_run, save)


@main.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8800,
    show_default=True,
    help="of the page; 0 takes a free one",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="the address to listen on; 0.0.0.0 lets others on your network draw, too",
)
@click.option(
    "--weights",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="a network of yours, a .safetensors file as train --save and the lessons save it",
)
@click.option(
    "--network",
    type=click.Choice([one.value for one in Network]),
    default=Network.RESIDUAL.value,
    show_default=True,
    metavar="NETWORK",
    help="which network --weights belong to, by its name in train",
)
@click.option("--no-browser", is_flag=True, help="don't open the page, as with mnist-course lab")
def board(port, host, weights, network, no_browser):
    """Draw a digit in a page, and watch a network read it.

    The page is served from this machine, with weights that come with the course. It needs no
    network. Other programs get the same answers as JSON: docs/board.md says how.
    """
    from mnist_course.cli.board import run

    run(port, host, weights, network, show=not no_browser)


@main.group()
def data():
    """Put a dataset where the lessons look for it, and check it."""


@data.command()
def mnist():
    """Unpack and check MNIST, which comes with the course."""
    from mnist_course.data import mnist_root

    click.echo(f"MNIST: 70,000 images in {mnist_root()}, every file checked.")


@data.command()
@click.option(
    "--from",
    "folder",
    metavar="FOLDER",
    help="take the files from this folder or its subfolders, whatever their names; no download",
)
def fashion(folder):
    """Find or download Fashion-MNIST (30 MB), and check it."""
    from mnist_course.data import DataError, fashion_root

    root = fashion_root(folder=folder, download=True)
    click.echo(f"Fashion-MNIST: 70,000 images in {root}, every file checked.")
    if lessons.checkout():  # d2l has the folder ../data built in, as seen from my-lessons/
        try:
            beside = fashion_root(lessons.checkout() / "data", folder=root)
        except DataError as error:  # the course may lie where only its owner writes
            click.echo(f"Without a second copy for d2l: {error}")
        else:
            click.echo(f"For d2l, a second copy in {beside}.")
