"""Submissions as platforms, git and students leave them: whose they are, and what is kept of them.

The names follow the platforms' own sources: Moodle's mod/assign/classes/downloader.php and Canvas's
lib/content_zipper.rb.
"""

import io
import struct
import sys
import unicodedata
import zipfile
from pathlib import PurePosixPath
from unittest import mock

import pytest
from archives import NOTEBOOK, class_zip, files, read, table, zipped

from mnist_course.grading import hand_in, notebooks, sources, submissions

# --- platforms ----------------------------------------------------------------------------


def test_moodle_with_folders_of_old_and_new_sites_teams_and_blind_marking(tmp_path):
    path = class_zip(
        tmp_path,
        "Anna Müller_1201_assignsubmission_file/03_lenet.ipynb",
        "Anna Müller_1201_assignsubmission_onlinetext/onlinetext.html",
        "Ben de la Cruz_1202_assignsubmission_file_/work/03_lenet.ipynb",
        "Participant_1203_assignsubmission_file/03_lenet.ipynb",
        "Group 2_7_assignsubmission_file/03_lenet.ipynb",
        "Standardteam_assignsubmission_file/03_lenet.ipynb",
        "李 明_1204_assignsubmission_file/课程03.ipynb",
    )
    assert table(path) == {
        "Anna Müller 1201": ["03_lenet.ipynb"],
        "Ben de la Cruz 1202": ["work/03_lenet.ipynb"],
        "Group 2 7": ["03_lenet.ipynb"],
        "Participant 1203": ["03_lenet.ipynb"],
        "Standardteam": ["03_lenet.ipynb"],
        "李 明 1204": ["课程03.ipynb"],
    }
    assert read(path)["Anna Müller 1201"].number == "1201"


def test_moodles_flat_mode_and_a_file_name_that_looks_like_another_student(tmp_path):
    path = class_zip(
        tmp_path,
        "Anna_1_assignsubmission_file_03_lenet.ipynb",
        "Ben_2_assignsubmission_file_Anna_1_assignsubmission_file_03_lenet.ipynb",
    )
    assert table(path) == {
        "Anna 1": ["03_lenet.ipynb"],
        "Ben 2": ["Anna_1_assignsubmission_file_03_lenet.ipynb"],
    }


def test_canvas_late_anonymous_and_text_entries(tmp_path):
    path = class_zip(
        tmp_path,
        "doejane_4711_90001_03_lenet.ipynb",
        "doejane_4711_90002_helper.py",
        "o_brien_LATE_4712_90003_03_lenet-1.ipynb",
        "李明_4713_90004_课程03.ipynb",
        "smithbob_4714_text.html",
        "anon_x3Fk2_90005_03_lenet.ipynb",
        "LATE_anon_y4Gl3_90006_4715_90007_03_lenet.ipynb",
    )
    found = read(path)
    assert {key: files(one) for key, one in found.items()} == {
        "doejane 4711": ["03_lenet.ipynb", "helper.py"],
        "o_brien 4712": ["03_lenet-1.ipynb"],
        "李明 4713": ["课程03.ipynb"],
        "smithbob 4714": [],
        "anonymous anon_x3Fk2": ["03_lenet.ipynb"],
        "anonymous anon_y4Gl3": ["4715_90007_03_lenet.ipynb"],
    }
    late = {key for key, one in found.items() if one.late}
    assert late == {"o_brien 4712", "anonymous anon_y4Gl3"}
    assert found["smithbob 4714"].problems == ["there was only entry.html"]


def test_a_few_names_that_look_like_canvass_do_not_make_a_class_canvass(tmp_path):
    path = class_zip(tmp_path, "anna_2026_11_03.ipynb", "ben.ipynb", "cy 03.ipynb")
    assert list(table(path)) == ["anna_2026_11_03", "ben", "cy 03"]


def test_blackboard_counts_the_newest_attempt_that_has_files(tmp_path):
    path = class_zip(
        tmp_path,
        "HW 1_jdoe_attempt_2026-01-02-10-00-00.txt",
        "HW 1_jdoe_attempt_2026-01-02-10-00-00_old.ipynb",
        "HW 1_jdoe_attempt_2026-01-09-10-00-00_new.ipynb",
        "HW 1_jdoe_attempt_2026-02-01-10-00-00.txt",
        "HW 1_kim_attempt_2026-01-02-10-00-00_jdoe_attempt_2027-01-01-01-01-01_x.ipynb",
    )
    found = read(path)
    assert {key: files(one) for key, one in found.items()} == {
        "jdoe": ["new.ipynb"],
        "kim": ["jdoe_attempt_2027-01-01-01-01-01_x.ipynb"],
    }
    [remark] = found["jdoe"].remarks
    assert "3 times" in remark
    assert "2026-01-09" in remark


def test_blackboard_s_users_whose_names_end_alike_are_two(tmp_path):
    when = "attempt_2026-01-02-10-00-00_03_lenet.ipynb"
    path = class_zip(
        tmp_path, f"Lab_3_ann_lee_{when}", f"Lab_3_bo_lee_{when}", f"Lab_3_lee_{when}",
        f"Lab_3_kim_{when}",
    )  # fmt: skip
    assert list(table(path)) == ["ann_lee", "bo_lee", "kim", "lee"]


def clone(folder, *names):
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "hidden.ipynb").write_bytes(NOTEBOOK)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(NOTEBOOK)


def test_git_clones_have_the_names_of_the_roster(tmp_path):
    clone(tmp_path / "cs1-mnist-Ann-Lee", "my-lessons/03_lenet.ipynb", "result.csv")
    clone(tmp_path / "cs1-mnist-lee", "my-lessons/03_lenet.ipynb")
    clone(tmp_path / "somebody", "03_lenet.ipynb")
    (tmp_path / "roster.csv").write_text(
        'username,first_name,last_name,email,section,github_id\nann-lee,Ann,"Lee, Jr.",a@b.c,1,5\n',
        encoding="utf-8-sig",
    )
    (tmp_path / "scores.csv").write_text("username,score\nlee,3\n,\n", encoding="utf-8")
    found = read(tmp_path)
    assert {key: files(one) for key, one in found.items()} == {
        "Ann Lee, Jr. ann-lee": ["my-lessons/03_lenet.ipynb"],
        "lee lee": ["my-lessons/03_lenet.ipynb"],
        "somebody": ["03_lenet.ipynb"],
    }


def test_a_single_clone_and_a_single_notebook_are_one_students(tmp_path):
    clone(tmp_path / "anna", "my-lessons/03.ipynb", "other/04.ipynb")
    assert table(tmp_path / "anna") == {"anna": ["my-lessons/03.ipynb", "other/04.ipynb"]}
    assert table(tmp_path / "anna/my-lessons/03.ipynb") == {"03": ["03.ipynb"]}


def test_plain_folders_files_and_zips(tmp_path):
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "a.ipynb").write_bytes(NOTEBOOK)
    (tmp_path / "empty").mkdir()
    (tmp_path / "ben.IPYNB").write_bytes(NOTEBOOK)
    (tmp_path / "cy.zip").write_bytes(zipped({"in/x.ipynb": NOTEBOOK, "in/deep.zip": b""}))
    (tmp_path / "notes of the teacher.txt").write_bytes(b"x")
    found = read(tmp_path)
    assert {key: files(one) for key, one in found.items()} == {
        "anna": ["a.ipynb"],
        "ben": ["ben.IPYNB"],
        "cy": ["cy/in/x.ipynb"],
        "empty": [],
    }
    assert found["empty"].problems == ["it was empty"]


def test_a_folder_around_the_class_is_taken_off_and_one_around_a_student_is_not(tmp_path):
    inside = class_zip(tmp_path, "class 7/anna/03.ipynb", "class 7/ben/work/03.ipynb")
    assert table(inside) == {"anna": ["03.ipynb"], "ben": ["work/03.ipynb"]}
    loose = class_zip(tmp_path, "class 7/anna.ipynb", "class 7/ben.ipynb")
    assert list(table(loose)) == ["anna", "ben"]
    moodle = class_zip(tmp_path, "class 7/Anna_1_assignsubmission_file/03.ipynb")
    assert list(table(moodle)) == ["Anna 1"]
    student = class_zip(tmp_path, "anna/my-lessons/03.ipynb")
    assert table(student) == {"anna": ["my-lessons/03.ipynb"]}


def test_lessons_under_their_own_names_are_one_students(tmp_path):
    path = class_zip(tmp_path, "01_loading_data.ipynb", "03_lenet (1).ipynb", "helper.py")
    assert table(path) == {"class": ["01_loading_data.ipynb", "03_lenet (1).ipynb", "helper.py"]}


# --- names --------------------------------------------------------------------------------

HONEST = [
    "01_loading_data.ipynb",
    "01_loading_data (1).ipynb",
    "Kopie von 03_lenet.ipynb",
    "Copy of 03_lenet.ipynb",
    "课程03.ipynb",
    "Übung 3 – final FINAL.ipynb",
    'anna\'s "best" work.ipynb',
    "03_lenet.IPYNB",
    "03_lenet.ipynb.txt",
    "03_lenet.ipynb.json",
    "03_lenet-checkpoint-1.ipynb",
    "lesson 03_anna_müller_v2.ipynb",
    "درس ٣.ipynb",
    "03_lenet",
    "con.ipynb",
]
PLATFORMS = {
    "Moodle": "Anna Müller_12_assignsubmission_file/{}",
    "flat Moodle": "Anna Müller_12_assignsubmission_file_{}",
    "Canvas": "annamüller_12_34_{}",
    "Blackboard": "HW_anna_attempt_2026-01-02-10-00-00_{}",
    "folder": "anna/{}",
}


@pytest.mark.parametrize("pattern", PLATFORMS.values(), ids=PLATFORMS.keys())
@pytest.mark.parametrize("name", HONEST)
def test_honest_names_are_taken_and_can_be_written_everywhere(name, pattern, tmp_path):
    [one] = submissions.read(class_zip(tmp_path, pattern.format(name)))
    assert one.problems == []
    [(file, place)] = submissions.prepare(one, tmp_path / "out")
    assert notebooks.find(tmp_path / "out") == [place]
    assert place.read_bytes() == NOTEBOOK == file.read()
    assert not set('<>:"|?*\\') & set(place.name)
    assert place.stem.lower() != "con"


def test_names_without_the_flag_for_utf_8_and_in_two_normal_forms(tmp_path):
    decomposed = unicodedata.normalize("NFD", "Müller")
    names = ("Müller/a.ipynb", f"{decomposed}/b.ipynb", "Ben/c.ipynb")
    content = zipped(dict.fromkeys(names, NOTEBOOK))
    flag = struct.pack("<H", 0x800)
    assert content.count(b"\x14\x00" + flag) == 4
    path = tmp_path / "class.zip"
    path.write_bytes(content.replace(b"\x14\x00" + flag, b"\x14\x00\x00\x00"))
    assert table(path) == {"Ben": ["c.ipynb"], "Müller": ["a.ipynb", "b.ipynb"]}
    # as Windows writes them, in the DOS code page
    dos = zipped({"M~ller/a.ipynb": NOTEBOOK}).replace(b"M~ller", b"M\x81ller")
    path.write_bytes(dos)
    assert list(table(path)) == ["Müller"]


def test_what_systems_and_jupyter_leave_behind_is_passed_over(tmp_path):
    path = class_zip(
        tmp_path,
        "anna/03.ipynb",
        "anna/.ipynb_checkpoints/03-checkpoint.ipynb",
        "anna/.DS_Store",
        "anna/__pycache__/x.py",
        "__MACOSX/anna/._03.ipynb",
        "anna/._03.ipynb",
        "anna/data/train.bin",
    )
    [one] = submissions.read(path)
    assert (files(one), one.problems, one.remarks) == (["03.ipynb"], [], [])


def test_modules_are_kept_beside_a_notebook_alone(tmp_path):
    path = class_zip(
        tmp_path,
        "anna/work/03.ipynb",
        "anna/work/helper.py",
        "anna/work/tools/__init__.py",
        "anna/work/venv/lib/python3.11/site-packages/os.py",
        "anna/setup.py",
    )
    [one] = submissions.read(path)
    assert files(one) == ["work/03.ipynb", "work/helper.py", "work/tools/__init__.py"]
    places = [place for _, place in submissions.prepare(one, tmp_path / "out")]
    assert tmp_path / "out/work/tools/__init__.py" in places


def test_a_copys_number_is_taken_off_a_module_that_is_imported(tmp_path):
    path = class_zip(tmp_path, "doe_1_22_03.ipynb", "doe_1_23_helper-1.py", "doe_1_24_h (2).py")
    [one] = submissions.read(path)
    names = {place.name for _, place in submissions.prepare(one, tmp_path / "out")}
    assert names == {"03.ipynb", "helper.py", "h.py"}


def test_a_notebook_is_known_by_its_content_where_its_name_says_nothing(tmp_path):
    content = {"anna/03_lenet": NOTEBOOK, "anna/a.json": b'{"a": 1}', "anna/b.txt": b"text"}
    path = tmp_path / "class.zip"
    path.write_bytes(zipped(content))
    assert table(path) == {"anna": ["03_lenet"]}


def test_the_order_is_the_same_whatever_the_order_in_the_archive(tmp_path):
    names = ["b/2.ipynb", "a/2.ipynb", "a/h.py", "b/1.ipynb", "a/1.ipynb"]
    expected = {"a": ["1.ipynb", "2.ipynb", "h.py"], "b": ["1.ipynb", "2.ipynb"]}
    for order in (names, names[::-1]):
        found = table(class_zip(tmp_path, *order))
        assert list(found.items()) == list(expected.items())


def test_no_two_keys_are_alike(tmp_path):
    path = class_zip(tmp_path, "anna/1.ipynb", "Anna/1.ipynb", "an\x01na/1.ipynb", "an na/1.ipynb")
    keys = [one.key for one in submissions.read(path)]
    assert len({key.casefold() for key in keys}) == 4
    assert all(key.isprintable() for key in keys)


# --- hand-in files ------------------------------------------------------------------------


def handed_in(name="", openings=2, extra=()):
    parts = [
        hand_in.Part(PurePosixPath("03_lenet.ipynb"), NOTEBOOK),
        hand_in.Part(PurePosixPath("helper.py"), b"x = 1\n"),
    ]
    return hand_in.packed([*parts, *extra], name, openings, {"leaky-relu": "right"})


def test_a_hand_in_file_is_recognised_and_the_platform_says_whose_it_is(tmp_path):
    path = tmp_path / "class.zip"
    path.write_bytes(zipped({"Anna_1_assignsubmission_file/hand-in.zip": handed_in("Bob")}))
    [one] = submissions.read(path)
    assert (one.key, one.openings, one.remarks) == ("Anna 1", 2, [])
    assert files(one) == ["hand-in/03_lenet.ipynb", "hand-in/helper.py"]
    assert one.stated.name == "Bob"


def test_a_hand_in_file_that_was_unpacked_is_recognised_too(tmp_path):
    with zipfile.ZipFile(io.BytesIO(handed_in())) as archive:
        archive.extractall(tmp_path / "class" / "anna")
    [one] = submissions.read(tmp_path / "class")
    assert (one.openings, one.remarks) == (2, [])


def test_a_change_in_a_hand_in_file_is_a_remark_and_it_is_still_graded(tmp_path):
    with zipfile.ZipFile(io.BytesIO(handed_in())) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content["03_lenet.ipynb"] = NOTEBOOK + b"\n"
    content["new.ipynb"] = NOTEBOOK
    del content["helper.py"]
    path = tmp_path / "anna.zip"
    path.write_bytes(zipped(content))
    [one] = submissions.read(path)
    assert one.key == "anna"
    assert files(one) == ["03_lenet.ipynb", "new.ipynb"]
    assert one.remarks == [
        "03_lenet.ipynb: it was changed after the hand-in was made",
        "helper.py: it is in the hand-in's list, but not there any more",
        "new.ipynb: it was added after the hand-in was made",
    ]


@pytest.mark.parametrize("manifest", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"what": 1}'])
def test_a_damaged_list_is_a_remark(manifest, tmp_path):
    path = tmp_path / "anna.zip"
    path.write_bytes(zipped({"hand-in.json": manifest, "03.ipynb": NOTEBOOK}))
    [one] = submissions.read(path)
    assert files(one) == ["03.ipynb"]
    assert one.openings is None
    [remark] = one.remarks
    assert remark.startswith("the list in the hand-in file can't be read: ")


def test_in_a_drop_box_the_newest_hand_in_of_a_user_counts(tmp_path):
    for time in ("2026-11-01T10-00-00Z", "2026-11-02T10-00-00Z"):
        path = tmp_path / f"anna_m_{time}_{'0123456789abcdef'}.zip"
        path.write_bytes(handed_in(openings=int(time[9])))
    [one] = submissions.read(tmp_path)
    assert (one.key, one.openings) == ("anna_m", 2)
    assert one.remarks == ["handed in 2 times; what counts is the attempt of 2026-11-02T10-00-00Z"]


@pytest.mark.skipif(sys.platform == "win32", reason="files have other owners there")
@pytest.mark.parametrize(
    ("owners", "users", "keys"),
    [
        (("anna", "mallory"), ("anna", "anna"), ["anna", "anna (a file of mallory)"]),
        (("mallory",), ("anna",), ["anna (a file of mallory)"]),
        (("anna", "ben"), ("anna", "ben"), ["anna", "ben"]),
        (("jovyan", "jovyan"), ("anna", "ben"), ["anna", "ben"]),  # containers
    ],
)
def test_in_a_drop_box_nobody_replaces_the_hand_in_of_another(owners, users, keys, tmp_path):
    for number, user in enumerate(users):
        name = f"{user}_2026-11-0{number + 1}T10-00-00Z_0123456789abcdef.zip"
        (tmp_path / name).write_bytes(handed_in())
    tmp_path.chmod(0o1777)
    try:
        with mock.patch.object(sources, "_login", side_effect=owners):
            found = submissions.read(tmp_path)
    finally:
        tmp_path.chmod(0o700)
    assert [one.key for one in found] == keys
