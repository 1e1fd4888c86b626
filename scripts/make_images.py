"""Draw the README's picture of the result, from the stored runs: python scripts/make_images.py"""

from pathlib import Path

from mnist_course import plots, results

IMAGES = Path(__file__).parent.parent / ".github" / "images"


def result():
    """Validation errors of every stored run over the epochs, and its test accuracy."""
    runs = results.load("residual")["runs"]
    figure, (left, right) = plots.subplots(1, 2, width=9, height=3)
    for run in runs:
        errors = [100 - 100 * accuracy for accuracy in run["validation_accuracy"]]
        left.plot(range(1, len(errors) + 1), errors, color=plots.BLUE, alpha=0.5)
    left.set(
        xlabel="epoch", ylabel="errors on validation, %", title="Training, one line a seed",
        yscale="log", xticks=range(1, len(errors) + 1), yticks=[0.5, 1, 2, 4],
        yticklabels=["0.5", "1", "2", "4"],
    )  # fmt: skip
    tests = [100 * run["test_accuracy"] for run in runs]
    left.minorticks_off()
    right.plot(range(len(tests)), tests, "o", color=plots.BLUE)
    right.axhline(99.5, color=plots.RED, linestyle="--")
    right.set(
        xlabel="seed", ylabel="test accuracy, %", title="Test set, opened once a run",
        xticks=range(len(tests)), ylim=(99.3, 99.8),
    )  # fmt: skip
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25)
    IMAGES.mkdir(exist_ok=True)
    figure.savefig(IMAGES / "result.png", dpi=plots.DPI)


if __name__ == "__main__":
    result()
