"""What several test files share."""

import pytest

from mnist_course import data


@pytest.fixture(scope="session")
def digits():
    """MNIST as the lessons see it in full mode, loaded once. Not to be changed in place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MNIST_COURSE_QUICK", raising=False)
        return data.load()


@pytest.fixture(scope="session")
def few(digits):
    """A small world: 200 training and 100 validation images."""
    return data.Digits(digits.train[:200], digits.validation[:100])


@pytest.fixture
def written(monkeypatch):
    """Every text that is written on a sheet of pixels from now on: its place, words and size."""
    from mnist_course.widgets import pixels

    texts, text = [], pixels.Sheet.text

    def kept(sheet, *given, **options):
        texts.append(given)
        text(sheet, *given, **options)

    monkeypatch.setattr(pixels.Sheet, "text", kept)
    return texts
