"""The command `mnist-course`.

Each command imports what it needs when it runs, so that `--help` answers at once.
"""

import errno
import sys
import textwrap
from pathlib import Path

import click

from mnist_course import __version__, runtime
from mnist_course.cli import lessons
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


@main.command()
def version():
    """Print the version of the course."""
    click.echo(__version__)


@main.command()
def doctor():
    """Say what was found on this machine and, for what is missing, the line to type."""
    from mnist_course.cli.checkup import examine

    ready = True
    for finding in examine():
        mark = "ok" if not finding.remedy else "MISSING" if finding.needed else "note"
        click.echo(f"{mark:8} {finding.name:13} {finding.text}")
        if finding.remedy:
            click.echo(f"{'':8} {'':13} -> {finding.remedy}")
            ready = ready and not finding.needed
    if not ready:
        click.echo("\nA lesson would not run yet: do what stands behind the arrows.")
        sys.exit(1)
    click.echo(f"\nThe lessons can start: {runtime.command('lab')}")


@main.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--folder",
    metavar="DIR",
    type=click.Path(path_type=Path, resolve_path=True),
    help="work in this folder; MNIST_COURSE_WORK=DIR names one for all commands",
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def lab(folder, options):
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
    for line in lessons.copy_lessons(lessons.course_folder(), folder):
        click.echo(line)
    jupyter.start(folder, options)


@main.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
def progress(folder):
    """Show which exercises are solved, lesson by lesson.

    FOLDER holds the notebooks; without it, it is my-lessons. A notebook is known by what is in
    it, so its name does not matter.

    The answers in the notebooks are run: in a sandbox where bubblewrap is installed (Linux), else
    with your rights, so then use it only for notebooks whose authors you trust.
    """
    from mnist_course.cli.points import run

    run(folder or lessons.work_folder())


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
@click.option("--open/--no-open", "show", default=True, help="open the page in your browser")
def board(port, host, weights, network, show):
    """Draw a digit in a page, and watch a network read it.

    The page is served from this machine, with weights that come with the course. It needs no
    network. Other programs get the same answers as JSON: docs/board.md says how.
    """
    from mnist_course.cli.board import run

    run(port, host, weights, network, show)


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
