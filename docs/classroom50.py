"""An autograder for Classroom 50: the points of `mnist-course progress` as its result.json.

Set COURSE and LESSONS below. Then put this file into your repository `classroom50`, as
CLASSROOM/autograders/ASSIGNMENT/autograder.py, or type

    gh teacher autograder set-default ORGANISATION CLASSROOM --from classroom50.py

Classroom 50 runs it in a student's repository after each submission, and every exercise becomes a
test with its points. It installs the course afresh each time, outside the repository. The answers
run on GitHub's machine with the rights of this script, so for a mark that counts grade the clones
with `mnist-course grade`, which keeps answers in a sandbox.

The form of result.json is version 1 of Classroom 50's own:
https://github.com/foundation50/classroom50/blob/main/schemas/result-v1.schema.json
https://github.com/foundation50/classroom50/blob/main/wiki/Advanced-Autograding.md
Its runner adds who owns the repository, and when the work was submitted.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

COURSE = "git+https://github.com/OWNER/REPOSITORY"  # what pip installs the course from
LESSONS = ("01", "02")  # what has been taught; the others bring no points
WITHOUT_CUDA = "https://download.pytorch.org/whl/cpu"  # a torch of a tenth of the size


def main():
    with tempfile.TemporaryDirectory() as folder:
        command = installed(Path(folder))
        found = Path(folder, "progress.json")
        subprocess.run([command, "progress", ".", "--json", found], check=True)
        progress = json.loads(found.read_text(encoding="utf-8"))
    text = json.dumps(result(progress, os.environ), indent=2)
    Path("result.json").write_text(text + "\n", encoding="utf-8")


def installed(folder):
    """Install the course into a folder. Returns the path of its command.

    -I keeps Python from importing anything out of the student's repository, where it runs.
    """
    subprocess.run([sys.executable, "-I", "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "python", "-I", "-m", "pip", "install", "--quiet"]
    line = [*pip, "--extra-index-url", WITHOUT_CUDA, f"mnist-course @ {COURSE}"]
    subprocess.run(line, check=True)
    return folder / "bin" / "mnist-course"


def result(progress, environment):
    """What result.json holds.

    progress: as `mnist-course progress --json` writes it; environment: with the variables that
    Classroom 50's runner sets, which name the classroom, the assignment and the submission.
    """
    tests = [
        {
            "test-name": f"{one['number']} {one['title']}",
            "passed": one["verdict"] == "right",
            "score": one["points"],
            "max-score": one["possible"],
            "message": one["remark"] or one["verdict"],
        }
        for one in progress["exercises"]
        if one["number"].partition(".")[0] in LESSONS
    ]
    return {
        "schema": "classroom50/result/v1",
        "classroom": environment["CLASSROOM"],
        "assignment": environment["ASSIGNMENT"],
        "submission": environment["SUBMISSION_TAG"],
        "commit": environment["COMMIT_URL"],
        "release": environment["RELEASE_URL"],
        "review": environment.get("REVIEW_URL") or environment["COMMIT_URL"],
        "score": sum(one["score"] for one in tests),
        "max-score": sum(one["max-score"] for one in tests),
        "tests": tests,
    }


if __name__ == "__main__":
    main()
