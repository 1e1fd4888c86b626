"""The sealed test set: one call opens it, and a record beside the student's work counts."""

import datetime
import json
import sys
from pathlib import Path

from mnist_course import runtime
from mnist_course.data import datasets
from mnist_course.data.files import DataError

TEST_RECORD = "test-set-openings.jsonl"


def open_test_set(reason, name="mnist", folder=None):
    """Break the seal: the 10,000 test images as a `Part`, and a line in the record.

    Each opening is added to the file `test-set-openings.jsonl` beside your work (or in
    `folder`), with its time and your reason, and the number of openings so far is printed,
    because a test set that is looked at often is a second validation set.
    Raises ValueError without a reason (at least two words), and DataError when the record can't
    be read or written: an opening that nobody could count is no opening.
    """
    if not isinstance(reason, str) or len(reason.split()) < 2:
        raise ValueError("say in a few words why the test set is opened; it can be used once only")
    test = datasets.read_part("t10k", name)
    record = _record(folder)
    text = _read(record)
    count = len(_openings(text, record)) + 1
    line = {
        "time": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "dataset": name,
        "reason": reason,
        "quick": runtime.quick(),
    }
    # an editor may have taken away the end of the last line
    start = "" if not text or text.endswith("\n") else "\n"
    # half a character, which UTF-8 can't hold, becomes \ud83d, as JSON writes it
    content = f"{start}{json.dumps(line, ensure_ascii=False)}\n".encode(errors="backslashreplace")
    try:
        with record.open("ab") as file:
            file.write(content)
    except OSError as error:
        raise DataError(
            f"the record {record} can't be written ({error.strerror or error}), so the test set "
            "stays closed. Work in a folder in which you may write."
        ) from error
    opened = f"Test set opened, {count} time(s) in this folder so far. Reason: {reason}"
    code = sys.stdout.encoding or "utf-8"
    # It is counted by now, so it must not fail where the output knows no Chinese.
    print(opened.encode(code, "backslashreplace").decode(code))
    return test


def test_openings(folder=None):
    """The record of openings in a folder (default: the work folder), a list of dicts.

    Raises DataError when the record can't be read or a line of it is damaged.
    """
    record = _record(folder)
    return _openings(_read(record), record)


def _record(folder):
    return Path(folder or runtime.work_folder()) / TEST_RECORD


def _read(record):
    """The text of the record, "" where there is none yet."""
    try:
        if not record.exists():
            return ""
        if not record.is_file():
            raise DataError(f"{record} is not a file: move it away, the record takes its place")
        return record.read_text(encoding="utf-8-sig")  # an editor may have added a mark in front
    except OSError as error:
        raise DataError(
            f"the record {record} can't be read ({error.strerror or error}): make it readable "
            "again, or move it away"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"the record {record} is not UTF-8 any more: open it in an editor and save it as UTF-8"
        ) from error


def _openings(text, record):
    openings = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            opening = json.loads(line)
        except (ValueError, RecursionError):  # the second for a line that is nested too deeply
            opening = None
        if not isinstance(opening, dict):
            raise DataError(
                f"line {number} of {record} is damaged: mend it, or give the file another name"
            )
        openings.append(opening)
    return openings
