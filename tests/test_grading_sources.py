"""Hostile and damaged archives and folders cost the student alone whose they are."""

import contextlib
import io
import os
import stat
import struct
import sys
import tracemalloc
import zipfile
from pathlib import Path, PurePosixPath
from unittest import mock

import pytest
from archives import MIB, NOTEBOOK, class_zip, entry, files, read, table, zipped

from mnist_course import runtime
from mnist_course.grading import notebooks, sources, submissions


def beside_an_honest_student(tmp_path, content, name="work.zip"):
    """What is found of a student who handed in these bytes, beside one who is honest."""
    path = tmp_path / "class.zip"
    path.write_bytes(
        zipped(
            {
                f"Mallory_1_assignsubmission_file/{name}": content,
                "Anna_2_assignsubmission_file/03.ipynb": NOTEBOOK,
            },
            zipfile.ZIP_STORED,
        )
    )
    found = read(path)
    assert list(found) == ["Anna 2", "Mallory 1"]
    assert files(found["Anna 2"]) == ["03.ipynb"]
    assert found["Anna 2"].problems == []
    out = tmp_path / "out"
    assert not out.exists()
    submissions.prepare(found["Anna 2"], out / "anna")
    submissions.prepare(found["Mallory 1"], out / "mallory")
    assert {place.name for place in tmp_path.iterdir()} == {"class.zip", "out"}
    assert not any(place.is_symlink() for place in out.rglob("*"))
    assert (out / "anna" / "03.ipynb").read_bytes() == NOTEBOOK
    return found["Mallory 1"]


@pytest.mark.parametrize(
    "name",
    ["../../evil.ipynb", "/etc/evil.ipynb", "C:\\evil.ipynb", "a\\..\\..\\evil.ipynb", "\\evil.py"],
)
def test_a_path_that_leads_outside(name, tmp_path):
    one = beside_an_honest_student(tmp_path, zipped({name: NOTEBOOK, "ok.ipynb": NOTEBOOK}))
    assert files(one) == ["work/ok.ipynb"]
    [problem] = one.problems
    assert "its path leads outside" in problem


def test_a_path_in_the_platforms_own_zip_can_not_reach_another_student(tmp_path):
    path = class_zip(
        tmp_path,
        "Mallory_1_assignsubmission_file/../Anna_2_assignsubmission_file/03.ipynb",
        "Anna_2_assignsubmission_file/04.ipynb",
    )
    found = read(path)
    assert files(found["Anna 2"]) == ["04.ipynb"]
    assert files(found["Mallory 1"]) == []
    assert "outside" in found["Mallory 1"].problems[0]


def test_backslashes_between_folders_are_honest(tmp_path):
    one = beside_an_honest_student(tmp_path, zipped({"lessons\\03.ipynb": NOTEBOOK}))
    assert (files(one), one.problems) == (["work/lessons/03.ipynb"], [])


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_pipes_and_devices_in_an_archive(kind, tmp_path):
    content = zipped({entry("03.ipynb", kind | 0o644): b"/etc/passwd", "ok.ipynb": NOTEBOOK})
    one = beside_an_honest_student(tmp_path, content)
    assert files(one) == ["work/ok.ipynb"]
    assert one.problems == ["work/03.ipynb: a link, pipe or device, which is not followed"]


def test_a_bomb_of_one_file_is_never_unpacked(tmp_path):
    info, size = entry("03.ipynb"), notebooks.LARGEST + 1
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open(info, "w") as target:
        for _ in range(size // MIB + 1):
            target.write(bytes(MIB))
    tracemalloc.start()
    one = beside_an_honest_student(tmp_path, buffer.getvalue())
    assert tracemalloc.get_traced_memory()[1] < 20 * MIB
    tracemalloc.stop()
    assert files(one) == []
    assert f"at most {notebooks.LARGEST:,} are read" in one.problems[0]


def test_a_bomb_of_many_files_ends_at_the_sum(tmp_path):
    with mock.patch.object(submissions, "TOTAL", 5 * MIB):
        content = zipped({f"{number:02}.ipynb": bytes(MIB) for number in range(20)})
        one = beside_an_honest_student(tmp_path, content)
    assert len(one.files) == 5
    assert "the rest is left out" in one.problems[0]


@pytest.mark.parametrize("stated", [10, 50_000_000])
def test_an_archive_that_lies_about_a_size(stated, tmp_path):
    content = zipped({"03.ipynb": bytes(MIB)})
    lying = content.replace(struct.pack("<I", MIB), struct.pack("<I", stated))
    assert lying != content
    one = beside_an_honest_student(tmp_path, lying)
    [problem] = one.problems
    assert problem.startswith("work/03.ipynb: it is damaged in the archive")


def test_archives_in_archives(tmp_path):
    content = zipped({"03.ipynb": NOTEBOOK})
    one = beside_an_honest_student(tmp_path, zipped({"in.zip": content}))
    assert files(one) == ["work/in/03.ipynb"]


def test_an_archive_is_read_twice_and_not_once_for_each_of_its_files(tmp_path):
    content = zipped({f"{number}.ipynb": NOTEBOOK for number in range(50)})
    read = mock.Mock(return_value=content)
    one = submissions.Submission("anna")
    item = sources.Item(("work.zip",), len(content), read)
    submissions._keep(list(sources.opened_up([item])), one)
    assert len(submissions.prepare(one, tmp_path / "out")) == 50
    assert read.call_count == 2


def test_archives_nested_deeply_or_many_of_them_are_not_opened(tmp_path):
    content = zipped({"03.ipynb": NOTEBOOK})
    deep = content
    for _ in range(5):
        deep = zipped({"in.zip": deep})
    many = {f"{number}.zip": content for number in range(100)}
    one = beside_an_honest_student(tmp_path, zipped({"deep.zip": deep, **many}))
    assert len(one.files) == sources.ARCHIVES - 2  # besides the outer one and the deep one
    assert any("archive in an archive in an archive" in text for text in one.problems)
    assert any(f"no more than {sources.ARCHIVES} archives" in text for text in one.problems)
    assert len(one.problems) == submissions.NAMED + 1
    assert one.problems[-1].startswith("and ")


def test_an_archive_of_100_000_entries(tmp_path):
    content = zipped({f"{number}.ipynb": b"" for number in range(100_000)}, zipfile.ZIP_STORED)
    one = beside_an_honest_student(tmp_path, content)
    assert files(one) == []
    assert "more than 20,000 files" in one.problems[0]


def test_a_class_may_have_more_entries_than_a_student(tmp_path):
    count = sources.ENTRIES + 1
    path = class_zip(tmp_path, *(f"{number:05}/03.ipynb" for number in range(count)))
    assert len(submissions.read(path)) == count


def test_entries_that_overlap(tmp_path):
    """Many entries that share one piece of data, as in the better zip bomb of David Fifield."""
    content = bytearray(zipped({"aa.ipynb": NOTEBOOK, "bb.ipynb": NOTEBOOK}))
    first = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", first + 4)
    content[second + 42 : second + 46] = content[first + 42 : first + 46]  # where its data begins
    one = beside_an_honest_student(tmp_path, bytes(content))
    assert "work/bb.ipynb: it is damaged in the archive" in one.problems[0]


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
def test_a_broken_archive(cut, tmp_path):
    content = zipped({"03.ipynb": os.urandom(1000)})
    one = beside_an_honest_student(tmp_path, content[: int(cut * len(content))])
    assert files(one) == []
    assert "the archive can't be opened" in one.problems[0]


def test_a_broken_file_in_an_archive(tmp_path):
    content = bytearray(zipped({"03.ipynb": os.urandom(1000), "ok.ipynb": NOTEBOOK}))
    content[500] ^= 1
    one = beside_an_honest_student(tmp_path, bytes(content))
    assert files(one) == ["work/03.ipynb", "work/ok.ipynb"]
    assert [text.partition(" (")[0] for text in one.problems] == [
        "work/03.ipynb: it is damaged in the archive"
    ]


def test_any_bytes_at_all_where_the_archives_lists_are(tmp_path):
    """Whatever the lists of an archive hold, the batch goes on."""
    content = zipped({"03.ipynb": NOTEBOOK, "tools/h.py": b"x = 1"})
    start = content.index(b"PK\x01\x02")
    for place in range(start, len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        item = sources.Item(("work.zip",), len(damaged), lambda damaged=damaged: bytes(damaged))
        one = submissions.Submission("mallory")
        submissions._keep(list(sources.opened_up([item])), one)
        for file in one.files:
            with contextlib.suppress(ValueError):
                file.read()


def test_an_encrypted_archive(tmp_path):
    content = zipped({"03.ipynb": NOTEBOOK})
    local, central = b"PK\x03\x04\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x00\x00"
    assert local in content
    content = content.replace(local, local[:-2] + b"\x01\x00")
    content = content.replace(central, central[:-2] + b"\x01\x00")
    one = beside_an_honest_student(tmp_path, content)
    assert one.problems == ["work/03.ipynb: it is encrypted: ask for it without a password"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packed_in_a_way_that_unpacks_without_a_limit(method, tmp_path):
    one = beside_an_honest_student(tmp_path, zipped({"03.ipynb": bytes(20 * MIB)}, method))
    assert one.problems == ["work/03.ipynb: it is packed in a rare way: ask for an ordinary zip"]


def test_another_kind_of_archive_is_named(tmp_path):
    one = beside_an_honest_student(tmp_path, b"Rar!", "work.rar")
    assert one.problems == ["work.rar: of archives, only .zip is opened: ask for one"]


def test_two_files_of_one_name_and_a_file_named_as_a_folder(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("03.ipynb", NOTEBOOK)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("03.ipynb", NOTEBOOK + b" ")
        archive.writestr("03.ipynb/04.ipynb", NOTEBOOK)
        archive.writestr("A.ipynb", NOTEBOOK)
        archive.writestr("a.ipynb", NOTEBOOK)
    one = beside_an_honest_student(tmp_path, buffer.getvalue())
    assert files(one) == [
        "work/03.ipynb", "work/03 (2).ipynb", "work/03.ipynb/04.ipynb", "work/A.ipynb",
        "work/a.ipynb",
    ]  # fmt: skip
    written = [path.name for path in sorted((tmp_path / "out/mallory/work").iterdir())]
    assert written == ["03 (2).ipynb", "03.ipynb", "A.ipynb", "a (2).ipynb"]
    assert one.problems[-1].startswith("work/03.ipynb/04.ipynb: ")


def test_a_notebook_of_200_mb_in_a_folder(tmp_path):
    (tmp_path / "class/anna").mkdir(parents=True)
    with (tmp_path / "class/anna/03.ipynb").open("wb") as file:
        file.truncate(200_000_000)
    [one] = submissions.read(tmp_path / "class")
    most = f"{notebooks.LARGEST:,}"
    assert one.problems == [f"03.ipynb: 200,000,000 bytes; at most {most} are read"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs rights there")
def test_links_and_pipes_in_a_folder(tmp_path):
    folder = tmp_path / "class" / "mallory"
    folder.mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.ipynb").write_bytes(NOTEBOOK)
    (folder / "03.ipynb").symlink_to(tmp_path / "secret" / "key.ipynb")
    (folder / "work").symlink_to(tmp_path / "secret", target_is_directory=True)
    os.mkfifo(folder / "04.ipynb")
    (folder / "05.ipynb").write_bytes(NOTEBOOK)
    [one] = submissions.read(tmp_path / "class")
    assert files(one) == ["05.ipynb"]
    assert [text.partition(":")[0] for text in one.problems] == ["03.ipynb", "04.ipynb", "work"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs rights there")
def test_a_file_that_is_swapped_for_a_link_or_a_pipe_is_not_followed(tmp_path):
    folder = tmp_path / "class" / "mallory"
    folder.mkdir(parents=True)
    for name in ("03.ipynb", "04.ipynb"):
        (folder / name).write_bytes(NOTEBOOK)
    [one] = submissions.read(tmp_path / "class")
    for name in ("03.ipynb", "04.ipynb"):
        (folder / name).unlink()
    (folder / "03.ipynb").symlink_to("/etc/passwd")
    os.mkfifo(folder / "04.ipynb")
    assert submissions.prepare(one, tmp_path / "out") == []
    assert len(one.problems) == 2


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_what_the_teacher_may_not_read(tmp_path):
    for name in ("anna", "ben"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "03.ipynb").write_bytes(NOTEBOOK)
    (tmp_path / "class/anna/03.ipynb").chmod(0)
    (tmp_path / "class/ben").chmod(0)
    anna, ben = submissions.read(tmp_path / "class")
    (tmp_path / "class/ben").chmod(0o700)
    assert submissions.prepare(anna, tmp_path / "out") == []
    assert anna.problems == ["03.ipynb: Permission denied"]
    assert ben.problems == ["it can't be read: Permission denied"]


def test_a_folder_that_is_nested_without_end(tmp_path):
    deep = tmp_path / "class" / "mallory" / Path(*["d"] * 60)
    deep.mkdir(parents=True)
    (deep / "03.ipynb").write_bytes(NOTEBOOK)
    (tmp_path / "class" / "mallory" / "04.ipynb").write_bytes(NOTEBOOK)
    [one] = submissions.read(tmp_path / "class")
    assert files(one) == ["04.ipynb"]
    assert "too deep" in one.problems[0]


@pytest.mark.parametrize("content", [b"", b"no zip", zipped({})])
def test_a_batch_that_can_not_be_read_as_a_whole(content, tmp_path):
    path = tmp_path / "class.zip"
    path.write_bytes(content)
    with pytest.raises(runtime.CourseError, match=r"class\.zip (can't be opened|holds no)"):
        submissions.read(path)
    with pytest.raises(submissions.SubmissionsError, match="there is no"):
        submissions.read(tmp_path / "nowhere")


def test_a_notebook_that_is_a_zip_too_is_taken_for_a_notebook(tmp_path):
    path = tmp_path / "03.ipynb"
    path.write_bytes(NOTEBOOK + zipped({"../evil": b"x"}))
    assert table(path) == {"03": ["03.ipynb"]}


def test_files_are_written_into_an_empty_folder_alone(tmp_path):
    [one] = submissions.read(class_zip(tmp_path, "anna/03.ipynb"))
    with pytest.raises(FileExistsError, match="not empty"):
        submissions.prepare(one, tmp_path)


@pytest.mark.parametrize(
    "path",
    [
        "..", "../x", "a/../../x", "/x", "a\\..\\x", "C:x", "nul", "aux.py", " . ", "x" * 500,
        "\x00\x1b[2J", "a:b", "\u202e", "-rf", "~",
    ],
)  # fmt: skip
def test_a_safe_name_stays_in_its_folder(path, tmp_path):
    parts = submissions._safe(PurePosixPath(path), set())
    place = tmp_path.joinpath(*parts)
    assert place.resolve().is_relative_to(tmp_path.resolve())
    assert all(len(part) <= 90 and part.strip(" .") and part.isprintable() for part in parts)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"")
