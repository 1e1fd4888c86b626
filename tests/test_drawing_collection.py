"""One's own digits: kept whole, never overwritten, merged, and refused where they are broken."""

import json

import numpy as np
import pytest

from mnist_course import drawing

SEVEN = [[(40, 60), (180, 60), (110, 220)], [(100, 140), (170, 140)]]
ONE = [[(140, 40), (140, 240)]]


@pytest.fixture
def mine():
    collection = drawing.Collection()
    collection.add(SEVEN, 7, field=(0, 0, 280), pen=18, writer="Zoë")
    collection.add(ONE, 1)
    return collection


def test_drawings_become_a_part(mine):
    part = mine.as_part()
    assert (len(mine), mine.labels, part.labels.tolist()) == (2, [7, 1], [7, 1])
    assert np.array_equal(part.images[0], drawing.image_of(SEVEN, (0, 0, 280), 18))
    thick = mine.as_part(drawing.Options(pen=4.0))
    assert thick.images.sum() > part.images.sum()


def test_a_saved_collection_comes_back(mine, tmp_path):
    path = mine.save(tmp_path / "meine Ziffern 数字")
    assert path.name == "meine Ziffern 数字.json"
    assert drawing.load_collection(path) == mine


def test_a_file_is_never_replaced(mine, tmp_path):
    first = mine.save(tmp_path / "mine.json")
    content = first.read_bytes()
    mine.add(ONE, 1)
    assert [mine.save(first).name for _ in range(2)] == ["mine-2.json", "mine-3.json"]
    assert first.read_bytes() == content
    assert len(drawing.load_collection(tmp_path / "mine-2.json")) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "mine-2.json", "mine-3.json", "mine.json",
    ]  # fmt: skip


def test_a_class_is_collected(mine, tmp_path):
    other = drawing.Collection()
    other.add(ONE, 1, writer="Ying")
    paths = [mine.save(tmp_path / "a"), other.save(tmp_path / "b"), mine.save(tmp_path / "c")]
    whole = drawing.merge(paths)
    assert [(one.label, one.writer) for one in whole.digits] == [(7, "Zoë"), (1, ""), (1, "Ying")]
    assert drawing.merge([]) == drawing.Collection()


def test_an_empty_collection_is_neither_kept_nor_read(tmp_path):
    with pytest.raises(drawing.DrawingError, match="empty"):
        drawing.Collection().save(tmp_path / "mine")
    with pytest.raises(drawing.DrawingError, match="empty"):
        drawing.Collection().as_part()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        ({"label": 10}, "digit from 0 to 9"),
        ({"label": "7"}, "digit from 0 to 9"),
        ({"label": True}, "digit from 0 to 9"),
        ({"label": None}, "digit from 0 to 9"),
        ({"label": [7]}, "digit from 0 to 9"),
        ({"strokes": []}, "Nothing drawn"),
        ({"pen": 0}, "pen"),
        ({"field": (0, 0)}, "field"),
        ({"writer": 3}, "writer"),
    ],
)
def test_a_wrong_drawing_is_not_added(about, sentence):
    collection = drawing.Collection()
    with pytest.raises(drawing.DrawingError, match=sentence):
        collection.add(**{"strokes": ONE, "label": 1} | about)
    assert len(collection) == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is broken"),
        ("[" * 100_000, "is broken"),
        ("[]", "no drawings that this course"),
        ('{"made_by": "another"}', "no drawings that this course"),
        ('{"made_by": "mnist_course drawings"}', "is broken"),
        ('{"made_by": "mnist_course drawings", "digits": 3}', "is broken"),
        ('{"made_by": "mnist_course drawings", "digits": [{"label": 3}]}', "is broken"),
        ('{"made_by": "mnist_course drawings", "digits": [{"strokes": [[[NaN, 1]]], "label": 3}]}',
         "no number"),
    ],
)  # fmt: skip
def test_a_broken_or_foreign_file_is_refused(content, sentence, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(drawing.DrawingError, match=sentence):
        drawing.load_collection(path)


def test_a_missing_file_or_folder_is_told(mine, tmp_path):
    with pytest.raises(drawing.DrawingError, match="can't be read"):
        drawing.load_collection(tmp_path / "none.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(drawing.DrawingError, match="can't be written"):
        mine.save(tmp_path / "file" / "mine")


def test_a_file_of_too_many_digits_is_refused(mine, tmp_path, monkeypatch):
    monkeypatch.setattr("mnist_course.drawing.collection.MOST_DIGITS", 1)
    with pytest.raises(drawing.DrawingError, match="holds 2 digits"):
        drawing.load_collection(mine.save(tmp_path / "mine"))


def test_a_file_holds_plain_json(mine, tmp_path):
    content = json.loads(mine.save(tmp_path / "mine").read_text(encoding="utf-8"))
    assert content["digits"][0]["strokes"][1] == [[100.0, 140.0], [170.0, 140.0]]
