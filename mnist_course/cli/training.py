"""What `mnist-course train` does."""

from dataclasses import replace

import click

from mnist_course import data, runtime
from mnist_course.recipes import NETWORKS
from mnist_course.training import TerminalProgress, check_place, fit, save_checkpoint


def run(name, dataset, changes, seed, device, dry_run, save):
    """Train a network by its recipe with `changes`, a dict; save it where `save` says, if it does.

    Raises ClickException or CheckpointError, before anything is trained, for settings that can't
    work and for a place that can't be written. Raises ClickException when nothing was learned:
    the loss is not finite, or Ctrl-C came before the first epoch was complete.
    """
    build, recipe = NETWORKS[name]
    try:
        recipe = changed(recipe, changes)
        device = runtime.device(device)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if save:
        check_place(save)
    digits = data.load(dataset)
    if dry_run:
        recipe = replace(recipe, epochs=1)
        batch = slice(recipe.batch_size)
        digits = data.Digits(digits.train[batch], digits.validation[batch])
    # seed before building the network: its initial weights draw from this stream
    runtime.seed_everything(seed)
    network = build()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    click.echo(
        f"{name}, {parameters:,} parameters, on {len(digits.train):,} images of {dataset}. "
        f"Epochs: {recipe.epochs}, batch size: {recipe.batch_size}, optimizer: "
        f"{recipe.optimizer}, learning rate: {recipe.learning_rate:g} ({recipe.schedule}), "
        f"seed: {seed}"
    )
    if recipe.hardest and recipe.epochs > 1:
        click.echo(
            f"Epochs after the first show the {recipe.hardest:.0%} of the images that cost most so "
            f"far, and {recipe.others:.0%} drawn from the others"
        )
    history = fit(network, digits, recipe, seed, device, TerminalProgress())
    if history.diverged:
        raise click.ClickException("this network is of no use any more; nothing is saved")
    if not len(history):
        raise click.ClickException("no epoch is complete, so nothing is saved")
    if dry_run and not history.stopped:
        click.echo("It works. That was one batch: the figures mean nothing, nothing is saved.")
    if save and not dry_run:
        path = save_checkpoint(save, network, recipe, history, seed)
        click.echo(f"Saved: {path}, and how it was made in {path.with_suffix('.json').name}")


def changed(recipe, changes):
    """The recipe with other settings. Raises ValueError for some that can't work."""
    if changes.get("optimizer", recipe.optimizer) != recipe.optimizer:
        if "learning_rate" not in changes:
            raise ValueError(
                f"--optimizer {changes['optimizer']} needs --learning-rate as well: the recipe's "
                f"{recipe.learning_rate:g} is meant for {recipe.optimizer}"
            )
    if "decay" in changes:
        changes = {**changes, "schedule": "exponential"}
    return replace(recipe, **changes)
