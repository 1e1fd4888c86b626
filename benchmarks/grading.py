"""How fast a class is graded: `mnist-course grade` on whole notebooks, by one worker and by two.

Each student hands in the course's own notebooks, with every exercise answered in one of three ways:
right, with a typical mistake, or not at all. Grading runs as a teacher starts it, in a process of
its own and in a new folder, so that nothing was graded before. What is timed is the whole command,
the course's own solutions first of all included.
"""

import copy
import inspect
import json
import random
import subprocess
import sys
import tempfile
import textwrap
import time
import zipfile
from pathlib import Path

import psutil

from mnist_course.exercises import EXERCISES
from mnist_course.grading import solutions

ROOT = Path(__file__).parent.parent
STUDENTS, LESSONS = 30, ("01", "02", "03", "04", "05")
LOOK = 1.0  # seconds between two looks at the memory, each of which takes time from the graders
COMMAND = "import sys; from mnist_course.cli import main; main(sys.argv[1:])"


def answer(exercise, draw):
    """The source of an answer: right in half of the cases, else a mistake or the empty stub."""
    kind = draw.choice(("right", "right", "mistake", "stub"))
    if kind == "stub":
        return None
    if kind == "mistake":
        for mistake in draw.sample(exercise.mistakes, len(exercise.mistakes)):
            if text := _named(mistake.function, exercise.reference.__name__):
                return text
    return solutions.source(exercise)


def _named(function, name):
    """The source of a mistake that is a plain function, under the answer's name; "" for others."""
    text = textwrap.dedent(inspect.getsource(function))
    start = text.find("def _(")
    return f"import math\nimport torch\ndef {name}({text[start + 6 :]}" if start >= 0 else ""


def write_class(path, students, lessons):
    """Write a class as Moodle's zip of all submissions. Returns how many notebooks it holds."""
    draw, count = random.Random(0), 0
    whole = {
        lesson: json.loads(file.read_text(encoding="utf-8"))
        for lesson in lessons
        for file in (ROOT / "notebooks").glob(f"{lesson}_*.ipynb")
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for student in range(students):
            folder = f"Student {student:03}_{1000 + student}_assignsubmission_file"
            for lesson, notebook in whole.items():
                solved = copy.deepcopy(notebook)
                for cell in solved["cells"]:
                    if cell["id"] in EXERCISES:
                        cell["source"] = answer(EXERCISES[cell["id"]], draw) or cell["source"]
                archive.writestr(f"{folder}/{lesson}_lesson.ipynb", json.dumps(solved))
                count += 1
    return count


def graded(path, workers, to):
    """Grade a class. Returns (seconds, most bytes of memory of all processes together)."""
    command = [sys.executable, "-c", COMMAND, "grade", path, "--to", to, "--workers", workers]
    started, most = time.perf_counter(), 0
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        while process.poll() is None:
            most = max(most, _memory(process.pid))
            time.sleep(LOOK)
        took = time.perf_counter() - started
        if process.returncode:
            sys.exit(f"grading failed:\n{process.stdout.read()}")
    return took, most


def _memory(pid):
    """Bytes of a process and all below it; what they share is counted once, where that is known."""
    total = 0
    try:
        first = psutil.Process(pid)
        for one in (first, *first.children(recursive=True)):
            try:
                full = one.memory_full_info()
                total += getattr(full, "pss", full.uss)
            except psutil.Error:
                pass
    except psutil.Error:
        pass
    return total


def bench_grading(students=STUDENTS, lessons=LESSONS):
    """Notebooks a minute by two workers, against one in the same run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "class.zip")
        count = write_class(path, students, lessons)
        rows = {}
        for workers in (1, 2):
            seconds, memory = graded(path, workers, Path(folder, f"graded by {workers}"))
            rows[workers] = {"seconds": seconds, "peak_megabytes": round(memory / 1e6)}
        same = {Path(folder, f"graded by {workers}", "grades.csv").read_bytes() for workers in rows}
        if len(same) != 1:
            sys.exit("two workers gave other grades than one")
    two, one = (60 * count / rows[workers]["seconds"] for workers in (2, 1))
    return {
        "what": f"notebooks graded a minute by two workers, {students} students × {len(lessons)}",
        "notebooks": count,
        "notebooks_per_minute": two,
        "peak_megabytes": rows[2]["peak_megabytes"],
        "peer": "one worker in the same run",
        "peer_notebooks_per_minute": one,
        "peer_peak_megabytes": rows[1]["peak_megabytes"],
        "ratio": two / one,
        "times": {f"{workers} workers": row["seconds"] for workers, row in rows.items()},
    }
