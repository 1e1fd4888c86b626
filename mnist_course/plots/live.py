"""The curves of a training while it runs."""

from mnist_course.plots.charts import curves
from mnist_course.plots.style import Figure, display, in_ipython, mark_quick, own_style, picture


class LiveCurve:
    """Progress of `training.fit` in a notebook: a bar within the epoch, curves after each.

    Two displays that are updated in place, so nothing is repeated and nothing jumps. The last
    state of the curves stays in the saved notebook as a picture. A script without a notebook
    prints a sentence after each epoch instead.
    """

    def __init__(self, band=None, title=""):
        self.band = band
        self.title = title
        self.bar = None
        self.curve = None

    def watch(self, batches, epoch, epochs):
        import time

        self.epochs = epochs
        count = len(batches)
        self._progress(epoch, 0, count)
        latest = time.monotonic()
        for number, batch in enumerate(batches, start=1):
            yield batch
            now = time.monotonic()
            if now - latest > 0.25:  # four times a second is smooth enough, and costs little
                latest = now
                self._progress(epoch, number, count)

    def _progress(self, epoch, done, count):
        if not in_ipython():
            return
        text = f"epoch {epoch} of {self.epochs}, batch {done} of {count}"
        bar = f'<progress value="{done}" max="{count}" aria-label="{text}"></progress> {text}'
        self.bar = display(self.bar, {"text/html": bar, "text/plain": text})

    @own_style()
    def update(self, history):
        figure = Figure(figsize=(8, 2.8), layout="constrained")
        curves(history, figure.subplots(1, 2), self.epochs, self.band)
        mark_quick(figure)
        if self.title:
            figure.suptitle(self.title, fontsize=11)
        alt = (
            f"Curves of loss and accuracy over {len(history)} of {self.epochs} epochs. Training "
            f"loss {history.train_loss[0]:.3f} to {history.train_loss[-1]:.3f}, "
            f"validation accuracy {history.validation_accuracy[0]:.2%} to "
            f"{history.validation_accuracy[-1]:.2%}."
        )
        self.curve = display(self.curve, picture(figure, alt))

    def close(self, history):
        self.bar = display(self.bar, {"text/plain": str(history)})
