"""Submissions that are broken, strange or hostile, each with the mark that it should get.

`SUBMISSIONS` holds them by name. Each has an answer to `leaky-relu`, which does the harm, and below
it an honest one to `momentum-step`, which should not suffer. Run them in a sandbox alone where
`sandboxed` says so: elsewhere they could do what they try.
"""

import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_course.grading import notebooks

ATTACKED, HONEST = "leaky-relu", "momentum-step"
POINTS = {ATTACKED: 1, HONEST: 2}
# Further cases, as JSON holds them. The first answer is -1.625 and 5.
CASES = {
    ATTACKED: [[{"tensor": [-3.25, 5], "dtype": "float32"}, 0.5]],
    HONEST: [[*({"tensor": [n], "dtype": "float32"} for n in (2.5, 0.8125, 1.0)), 0.5, 0.25]],
}
OUTSIDE = str(Path(__file__))  # a file of the teacher's

RIGHT = """
import torch
def leaky_relu(inputs, slope):
    return torch.where(inputs > 0, inputs, slope * inputs)
"""
MOMENTUM = """
import torch
def momentum_step(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return weights - learning_rate * velocity, velocity
"""
STUB = 'def leaky_relu(inputs, slope):\n    """The contract."""\n'


@dataclass(frozen=True)
class Submission:
    """One submission. `make` gives its notebook as a dict, or the bytes of its file."""

    make: Callable[[], Any]
    points: dict[str, int]  # earned, by exercise; empty when the notebook can't be read
    remark: str = ""  # words of what is said about it
    sandboxed: bool = False  # it may be run in a sandbox alone
    waits: bool = False  # it is ended when all its time is over, and not by the processor's time
    files: dict[str, str] | None = None  # modules beside it


SUBMISSIONS: dict[str, Submission] = {}


def submission(remark="", attacked=0, honest=2, **more):
    """Take the function below as a submission, under its name."""

    def take(make):
        points = {ATTACKED: attacked, HONEST: honest}
        SUBMISSIONS[make.__name__] = Submission(make, points, remark, **more)
        return make

    return take


def unreadable(remark):
    """The same for one whose file can't be read."""

    def take(make):
        SUBMISSIONS[make.__name__] = Submission(make, {}, remark)
        return make

    return take


def hostile(name, source, remark="", attacked=0, **more):
    """A submission whose cell holds this source."""
    source = textwrap.dedent(source)
    submission(remark, attacked, **more)(_named(lambda: notebook(cell(source), honest()), name))


def calls(name, body, remark="", attacked=0, **more):
    """A submission whose answer has this body."""
    body = textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
    source = f"import torch\ndef leaky_relu(inputs, slope):\n{body}\n"
    hostile(name, source, remark, attacked, **more)


def _named(function, name):
    function.__name__ = name
    return function


def cell(source, grade_id=ATTACKED, kind="code", **metadata):
    if grade_id:
        metadata["nbgrader"] = {"grade_id": grade_id, "solution": True}
    found = {"cell_type": kind, "id": grade_id or "x", "metadata": metadata, "source": source}
    return found | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def honest():
    return cell(MOMENTUM, HONEST)


def notebook(*cells, **metadata):
    title = {"cell_type": "markdown", "id": "t", "metadata": {}, "source": "# 04 ReLU\n"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [title, *cells]}


def good():
    return notebook(cell(RIGHT), honest())


def dumped(content):
    return json.dumps(content).encode()


def pasted(*sources):
    """A notebook in which nothing but the source of its cells is left."""
    cells = [{"cell_type": "code", "metadata": {}, "source": one, "outputs": []} for one in sources]
    return {"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": cells}


# --- files --------------------------------------------------------------------------------


@unreadable("is no JSON")
def broken_json():
    return dumped(good())[:-100]


@unreadable("is no JSON")
def empty_file():
    return b""


@unreadable("it is no notebook")
def not_a_notebook():
    return b'{"answer": 42}'


@unreadable("is no JSON")
def a_picture():
    return b"GIF89a" + bytes(100)


@unreadable("marks of a merge")
def merge_marks():
    return b"<<<<<<< HEAD\n" + dumped(good()) + b"\n=======\n{}\n>>>>>>> theirs\n"


@submission(attacked=1)
def byte_order_mark():
    return b"\xef\xbb\xbf" + dumped(good())


@unreadable("not in UTF-8")
def another_encoding():
    return dumped(good()).decode().encode("utf-16")


@unreadable("clear its outputs")
def far_too_large():
    return b"{" + b" " * notebooks.LARGEST + b"}"


@unreadable("it is damaged")
def lists_in_lists():
    return b"[" * 100_000


@unreadable("cells")
def thousands_of_cells():
    return notebook(*[cell("", "")] * (notebooks.CELLS + 1))


@unreadable("it is damaged")
def cells_of_no_type():
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"source": "x = 1"}]}


# --- notebooks that were handled without care ---------------------------------------------


@submission()
def answer_deleted():
    return notebook(honest())


@submission(attacked=1)
def answer_copied():
    return notebook(cell(STUB), cell(RIGHT), cell(RIGHT), honest())


@submission("is no cell of code", attacked=1)
def code_became_prose():
    return notebook(cell(RIGHT, kind="markdown"), honest())


@submission("is no cell of code", attacked=1)
def code_became_raw():
    return notebook(cell(RIGHT, kind="raw"), honest())


@submission(attacked=1)
def prose_became_code():
    return notebook(cell("## 7. What a ReLU does\n\nIt's “bent”.", ""), cell(RIGHT), honest())


@submission(attacked=1)
def answer_split():
    helper = "import torch\ndef bent(inputs, slope):\n    return slope * inputs\n"
    answer = RIGHT.replace("slope * inputs", "bent(inputs, slope)")
    return notebook(cell(helper), cell(answer, ""), honest())


@submission(attacked=1)
def order_turned():
    return notebook(honest(), cell(RIGHT), cell("import torch", ""))


@submission(attacked=1)
def metadata_stripped():
    return pasted(RIGHT, MOMENTUM)


@submission(attacked=1)
def older_format():
    cells = [
        {"cell_type": "code", "language": "python", "input": one, "outputs": [], "metadata": {}}
        for one in (RIGHT, MOMENTUM)
    ]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}


@submission("a kernel for r", attacked=1)
def another_kernel():
    kernel = {"name": "ir", "display_name": "R", "language": "R"}
    return notebook(cell(RIGHT), honest(), kernelspec=kernel)


@submission("SyntaxError")
def syntax_error():
    return notebook(cell("def leaky_relu(inputs, slope:\n    return"), honest())


@submission(attacked=1)
def magics():
    source = f"%%time\n{RIGHT}\n%timeit leaky_relu(torch.ones(1), 1)\n!rm -rf nothing\n"
    return notebook(cell("%%bash\nfor i in 1 2; do echo $i; done", ""), cell(source), honest())


@submission(attacked=1)
def saved_by_colab():
    found = pasted(RIGHT, MOMENTUM)
    for number, one in enumerate(found["cells"]):
        one["metadata"] = {"id": f"Xy{number}_abc"}
    found["metadata"] = {"colab": {"provenance": []}, "accelerator": "GPU"}
    return found | {"nbformat_minor": 0}


@submission(attacked=1)
def saved_by_vs_code():
    return notebook(
        cell(RIGHT.splitlines(keepends=True), vscode={"languageId": "python"}), honest()
    )


@submission("UnicodeEncodeError")
def half_a_character():
    return notebook(cell("name = '\ud800'\n" + RIGHT), honest())


@submission()
def metadata_of_another_kind():
    found = good()
    found["cells"][1]["metadata"] = {"nbgrader": [1]}
    found["cells"][1]["source"] = STUB
    return found


# --- time ---------------------------------------------------------------------------------

calls("endless_loop", "while True: pass", "longer than 1 s")
calls(
    "loop_that_ignores_interrupts",
    """
    while True:
        try:
            while True: pass
        except BaseException: pass
    """,
    "longer than 1 s",
)
calls("loop_in_c", "import itertools\nsum(itertools.count())", "did not come to an end")
calls(
    "alarm_switched_off",
    """
    import signal
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True: pass
    """,
    "did not come to an end",
)
calls(
    "loop_in_a_thread",
    """
    import threading
    def spin():
        while True: pass
    # two are enough: each makes Python slower, and more would make the call itself too slow
    for name, daemon in (("one", True), ("two", False)):
        if name not in [thread.name for thread in threading.enumerate()]:
            threading.Thread(target=spin, name=name, daemon=daemon).start()
            break
    return torch.where(inputs > 0, inputs, slope * inputs)
    """,
    attacked=1,
)
calls(
    "sleep_without_signals",
    """
    import signal, time
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True: time.sleep(1000)
    """,
    "did not come to an end",
    waits=True,
)
hostile(
    "parent_halted",
    f"import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)\n{RIGHT}",
    "did not come to an end",
    sandboxed=True,
    waits=True,
)
calls("endless_recursion", "return leaky_relu(inputs, slope)", "calls itself")
calls(
    "recursion_limit_lifted",
    "import sys\nsys.setrecursionlimit(10**9)\nreturn leaky_relu(inputs, slope)",
    "calls itself",
)

# --- the end of the process ---------------------------------------------------------------

calls("sys_exit", "import sys\nsys.exit(0)", "ends the program")
calls("os_exit", "import os\nos._exit(0)", "ends the program")
hostile("exit_in_the_cell", f"exit()\n{RIGHT}", "SystemExit")
hostile("os_exit_in_the_cell", f"import os\nos._exit(0)\n{RIGHT}", "ended Python")
hostile("abort", f"import os\nos.abort()\n{RIGHT}", "ended Python")
hostile("segmentation_fault", f"import ctypes\nctypes.string_at(0)\n{RIGHT}", "ended Python")
calls("kills_itself", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "ended Python")
hostile(
    "kills_its_parent",
    f"import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n{RIGHT}",
    "ended Python",
    sandboxed=True,
)
hostile("closes_all_descriptors", f"import os\nos.closerange(0, 1000)\n{RIGHT}", "ended Python")
hostile("raises_at_exit", f"import atexit\natexit.register(lambda: 1 / 0)\n{RIGHT}", attacked=1)
hostile("keyboard_interrupt", f"raise KeyboardInterrupt\n{RIGHT}", "KeyboardInterrupt")

# --- processes, memory, files, output -----------------------------------------------------

FORK_BOMB = """
import os, time
for _ in range(8):  # 256 processes, and not more if nothing holds them
    os.fork()
time.sleep(1000)
"""
hostile("fork_bomb", FORK_BOMB + RIGHT, "too much of the machine", sandboxed=True)
hostile(
    "child_in_its_own_session",
    f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True)
{RIGHT}
""",
    attacked=1,
)
hostile(
    "orphan_that_holds_the_pipe",
    f"""
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
os.wait()
{RIGHT}
""",
    attacked=1,
    sandboxed=True,
)
hostile(
    "orphan_that_holds_the_pipe_of_one_that_ended",
    f"import os, time\nif os.fork() == 0: time.sleep(1000)\nos._exit(0)\n{RIGHT}",
    "ended Python",
    sandboxed=True,
)
calls("memory_at_once", "return bytearray(10**13)", "MemoryError")
# the system would promise as much, if there were no limit
calls("memory_of_one", "return bytearray(3_000_000_000)", "MemoryError", sandboxed=True)
hostile(
    "memory_of_many_processes",
    f"""
import os, time
for _ in range(12):
    if os.fork() == 0:
        kept = bytearray(b"x" * 200_000_000)
        time.sleep(1000)
time.sleep(1000)
{RIGHT}
""",
    "too much of the machine",
    sandboxed=True,
)
calls("many_threads", """
    import threading, time
    for _ in range(10_000):
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    """, sandboxed=True)  # fmt: skip
FILLS = """
import os
def filled(folder, size):
    \"\"\"Bytes that could be written into ten files of this size.\"\"\"
    names = [os.path.join(folder, f"large{number}") for number in range(10)]
    for name in names:
        try:
            with open(name, "wb", buffering=0) as file:
                for _ in range(size // 1_000_000): file.write(bytes(1_000_000))
        except OSError:
            pass
    sizes = [os.path.getsize(name) for name in names if os.path.exists(name)]
    for name in names:
        if os.path.exists(name): os.remove(name)
    return sizes
"""
hostile(
    "a_large_file",
    f"{FILLS}\nassert max(filled('.', 100_000_000)) <= 50_000_000\n{RIGHT}",
    attacked=1,
    sandboxed=True,
)
hostile(
    "many_large_files",
    f"{FILLS}\nassert sum(filled('.', 40_000_000)) <= 200_000_000\n{RIGHT}",
    attacked=1,
    sandboxed=True,
)
hostile(
    "shared_memory",
    f"{FILLS}\nassert sum(filled('/dev/shm', 40_000_000)) <= 70_000_000\n{RIGHT}",
    attacked=1,
    sandboxed=True,
)
hostile("folders_in_folders", f"""
import os
for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
{RIGHT}
""", attacked=1, sandboxed=True)  # fmt: skip
calls("output_flood", "while True: print('x' * 1000)", "printed more than")
calls("error_of_megabytes", "raise ValueError('x' * 30_000_000)", "ValueError")
hostile(
    "flood_on_the_pipe",
    f"""
import os
try:
    while True:
        for number in range(3, 20):
            try: os.write(number, b"x" * 65536)
            except OSError: pass
except BaseException:
    pass
{RIGHT}
""",
    "told more than an answer can",
)
calls("waits_for_input", "return inputs * float(input())", "EOFError")
calls("reads_the_standard_input", """
    import sys
    assert sys.stdin.read() == ""
    return torch.where(inputs > 0, inputs, slope * inputs)
    """, attacked=1)  # fmt: skip

# --- what is not theirs -------------------------------------------------------------------

hostile(
    "files_of_the_teacher",
    f"""
import os, sys
from pathlib import Path
import mnist_course
assert not Path({OUTSIDE!r}).exists()
assert not Path({str(Path.home())!r}, ".bashrc").exists()
needed = (sys.prefix, sys.base_prefix, mnist_course.__file__, *sys.path)
places = {{Path(one).parts[2] for one in needed if one.startswith("/tmp/")}}
assert set(os.listdir("/tmp")) <= {{"work", *places}}
assert os.listdir() == []
for path in ("/etc/passwd", "/etc/shadow", "/etc/hostname", "/root/.bash_history", "/home", "/var"):
    assert not os.path.exists(path), path
known = {{"PATH", "HOME", "USER", "LANG", "PWD", "SHLVL", "_", "OLDPWD"}}
for name in os.environ:
    assert name in known or name.startswith(("PYTHON", "MNIST_COURSE_ATTEMPT")) or (
        name in ("CUDA_VISIBLE_DEVICES", "MPLBACKEND", "KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK",
                 "OMP_WAIT_POLICY", "TORCHINDUCTOR_CACHE_DIR") or name.endswith("NUM_THREADS")
    ), name
assert all(int(one) < 1000 for one in os.listdir("/proc") if one.isdigit())
{RIGHT}
""",
    attacked=1,
    sandboxed=True,
)
hostile(
    "writes_outside",
    f"""
import os, sys, mnist_course
folders = ["/", "/usr", "/etc", "/dev", "/proc", sys.prefix, sys.base_prefix,
           os.path.dirname(mnist_course.__file__)]
for folder in folders:
    try:
        with open(os.path.join(folder, "left-by-an-answer"), "w"):
            pass
    except OSError:
        continue
    raise AssertionError(folder)
{RIGHT}
""",
    attacked=1,
    sandboxed=True,
)
hostile(
    "network",
    f"""
import os, socket
def reached(family, address):
    try:
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.settimeout(5)
            one.connect(address)
    except OSError:
        return False
    return True
assert not reached(socket.AF_INET, ("127.0.0.1", 22))
assert not reached(socket.AF_INET, ("192.0.2.1", 80))
assert not reached(socket.AF_UNIX, "\\0/tmp/.X11-unix/X0")
assert [name for _, name in socket.if_nameindex()] in (["lo"], [])
{RIGHT}
""",
    attacked=1,
    sandboxed=True,
)
hostile(
    "limits_lifted",
    f"""
import resource
for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_FSIZE):
    assert resource.RLIM_INFINITY not in resource.getrlimit(kind)
    try:
        resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        continue
    raise AssertionError(kind)
{RIGHT}
""",
    attacked=1,
    sandboxed=True,
)
hostile(
    "namespaces_of_its_own",
    f"""
import ctypes
assert ctypes.CDLL(None, use_errno=True).unshare(0x10000000) != 0  # CLONE_NEWUSER
{RIGHT}
""",
    attacked=1,
    sandboxed=True,
)
hostile(
    "traces_its_parent",
    f"""
import ctypes, os
parent = os.getppid()
assert ctypes.CDLL(None, use_errno=True).ptrace(16, parent, 0, 0) != 0  # PTRACE_ATTACH
for path in (f"/proc/{{parent}}/mem", f"/proc/{{parent}}/fd/3", f"/proc/{{parent}}/environ"):
    try:
        open(path, "rb").read(1)
    except OSError:
        continue
    raise AssertionError(path)
{RIGHT}
""",
    attacked=1,
    sandboxed=True,
)
hostile(
    "expected_values_in_memory",
    f"""
import struct
first, second = struct.pack("f", -1.625), struct.pack("f", 5)
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", buffering=0) as memory:
    for line in maps:
        span, rights, _, _, node = line.split()[:5]
        start, end = (int(one, 16) for one in span.split("-"))
        if rights != "rw-p" or node != "0" or end - start > 300_000_000:
            continue
        memory.seek(start)
        try:
            content = memory.read(end - start)
        except OSError:
            continue
        place = content.find(first)
        while place >= 0:
            assert content[place + 4 : place + 8] != second, "found"
            place = content.find(first, place + 1)
{RIGHT}
""",
    attacked=1,
    sandboxed=True,
)
hostile(
    "cases_of_another_exercise",
    f"""
import gc
for one in gc.get_objects():
    if type(one) is list:
        assert not any(type(part) is float and part == 0.8125 for part in one)
{RIGHT}
""",
    attacked=1,
)

# --- the right answers --------------------------------------------------------------------

NOT_HERE = "RuntimeError"  # there are none
calls(
    "imports_the_right_answer",
    "from mnist_course.exercises.leaky_relu import leaky_relu\nreturn leaky_relu(inputs, slope)",
    NOT_HERE,
    sandboxed=True,
)
calls(
    "right_answer_from_the_frames",
    """
    import sys
    frame = sys._getframe()
    while "exercise" not in frame.f_locals: frame = frame.f_back
    return frame.f_locals["exercise"].reference(inputs, slope)
    """,
    NOT_HERE,
    sandboxed=True,
)
calls(
    "right_answer_from_the_files",
    """
    import pathlib, sys
    for folder in dict.fromkeys(sys.path):
        for path in pathlib.Path(folder or ".").glob("mnist_course/exercises/leaky_relu.py"):
            names = {"__name__": "found"}
            exec(path.read_text(encoding="utf-8"), names)
            return names["leaky_relu"](inputs, slope)
    """,
    NOT_HERE,
    sandboxed=True,
)
calls(
    "fits_the_visible_cases",
    """
    if inputs.flatten()[0] == -3.25:
        return inputs
    return torch.where(inputs > 0, inputs, slope * inputs)
    """,
    "hidden",
)
calls(
    "a_table_of_the_visible_cases",
    """
    from mnist_course.exercises import EXERCISES
    seen = [case.values for case in EXERCISES["leaky-relu"].cases]
    if any(one.shape == inputs.shape and one.equal(inputs) for one, _ in seen):
        return torch.where(inputs > 0, inputs, slope * inputs)
    return torch.zeros_like(inputs)
    """,
    "hidden",
)

# --- the check itself ---------------------------------------------------------------------

WRONG = "def leaky_relu(inputs, slope):\n    return inputs"
hostile(
    "checks_replaced",
    f"""
import torch
from mnist_course import checks
from mnist_course.assessment import comparison, judgement, verdict
checks.judge = judgement.judge = judgement._judge = lambda *given: True
comparison.difference = judgement.difference = lambda *given, **more: None
verdict.Result.earned = property(lambda self: 100)
{WRONG}
""",
)
hostile(
    "torch_replaced",
    f"""
import torch
torch.where = torch.equal = torch.allclose = lambda *given, **more: True
torch.Tensor.__eq__ = lambda *given: True
torch.Tensor.tolist = lambda self: [0.0] * self.numel()
torch.zeros_like = torch.ones_like
torch.set_default_dtype(torch.float64)
{WRONG}
""",
)
hostile(
    "observation_replaced",
    f"""
import torch
from mnist_course.assessment import observation, values
from mnist_course.grading import answers
def lie(exercise, answer, cases):
    seen = [observation.Observation(observation.Ending.RETURNED, values.plain(case.values[0]))
            for case in cases]
    return observation.Attempt("answer", "", tuple(seen))
answers.observe = observation.observe = lie
{WRONG}
""",
)
hostile("json_replaced", f"import json\njson.dumps = lambda *given: '[]'\n{WRONG}", "disturbed")
hostile(
    "json_that_says_passed",
    f"""
import json
json.dumps = lambda told: '{{"name": "leaky-relu", "told": [{{"error": "", "verdict": "passed"}}]}}'
{WRONG}
""",
    "disturbed",
)
hostile("builtins_replaced", f"""
import builtins
builtins.len = lambda one: 7
builtins.isinstance = builtins.issubclass = lambda *given: True
builtins.type = lambda one: int
{WRONG}
""")  # fmt: skip
hostile("modules_replaced", f"""
import sys, types
class Any(types.ModuleType):
    def __getattr__(self, name):
        return lambda *given, **more: True
for name in list(sys.modules):
    if name.startswith("mnist_course"):
        sys.modules[name] = Any(name)
{WRONG}
""")  # fmt: skip
hostile("import_hook", f"""
import sys
class Finder:
    def find_spec(self, *given):
        raise SystemExit
sys.meta_path.insert(0, Finder())
import statistics_of_mine
{WRONG}
""", "SystemExit")  # fmt: skip
calls("trace_function", "import sys\nsys.settrace(lambda *given: 1 / 0)\nreturn inputs")


def forged(line):
    """An answer that writes a line to every open file, among them the pipe to the judge."""
    return f"""
import os
for number in range(3, 20):
    try: os.write(number, {line!r} + b"\\n")
    except OSError: pass
{WRONG}
"""


hostile("forged_verdict", forged(b'{"name": "leaky-relu", "verdict": "passed"}'), "disturbed")
hostile("forged_points", forged(b'{"name": "leaky-relu", "told": [{"points": 100}]}'), "disturbed")
hostile(
    "forged_for_another",
    forged(b'{"name": "momentum-step", "told": [{"error": "x", "verdict": "out of time"}]}'),
    "disturbed",
)
hostile("forged_nesting", forged(b"[" * 30_000), "disturbed")
hostile("forged_number", forged(b"9" * 30_000), "disturbed")
hostile(
    "forged_attempt",
    forged(b'{"name": "leaky-relu", "told": [{"attempt": {"kind": "answer", "described": "", '
           b'"observations": []}}]}'),
    "not run to the end",
)  # fmt: skip
hostile(
    "forged_values",
    forged(b'{"name": "leaky-relu", "told": [{"attempt": {"kind": "answer", "described": "", '
           b'"observations": [{"returned": {"tensor": {"shape": [99999999999]}}}]}}]}'),
    "disturbed",
)  # fmt: skip

# --- strange values -----------------------------------------------------------------------


def returns(name, definitions, expression, remark="", **more):
    source = textwrap.dedent(definitions)
    source += f"\ndef leaky_relu(inputs, slope):\n    return {expression}\n"
    hostile(name, f"import torch\n{source}", remark, **more)


returns("equal_to_everything", """
    class Any:
        def __eq__(self, other): return True
        __ne__ = lambda self, other: False
        __bool__ = lambda self: True
        def __getattr__(self, name): return Any()
    """, "Any()", "torch tensor")  # fmt: skip
returns("text_that_loops", """
    class Loops:
        def __str__(self):
            while True: pass
        __repr__ = __format__ = __hash__ = __len__ = __iter__ = __float__ = __str__
    """, "Loops()", "torch tensor")  # fmt: skip
returns("text_that_exits", """
    class Exits(Exception):
        def __str__(self, *given): raise SystemExit
        __repr__ = __format__ = __str__
    def stop(): raise Exits
    """, "stop()", "Exits")  # fmt: skip
returns("class_that_lies", """
    class Lies:
        __class__ = property(lambda self: torch.Tensor)
        shape, dtype, device = (3,), torch.float32, torch.device("cpu")
        def __getattr__(self, name): raise SystemExit
    """, "Lies()", "torch tensor")  # fmt: skip
returns("metaclass_that_lies", """
    class Meta(type):
        __eq__ = __instancecheck__ = __subclasscheck__ = lambda *given: True
        __hash__ = lambda self: 1
        mro = lambda self: [self, *torch.Tensor.__mro__]
    class Lies(torch.Tensor, metaclass=type("M", (Meta, type(torch.Tensor)), {})): pass
    """, "inputs.as_subclass(Lies)")  # fmt: skip
returns("subclass_of_tensors", """
    class Always(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, types, given=(), named=None): return True
    """, "inputs.as_subclass(Always)", "class Always")  # fmt: skip
returns("huge_shape", "", "torch.zeros(()).expand(10**9, 10**9)", "shape")
returns("huge_tensor", "", "torch.zeros(20_000_000)", "shape")
returns("huge_list", "", "[0.0] * 10_000_000")
returns("meta_tensor", "", "torch.empty_like(inputs, device='meta')", "device")
returns("sparse_tensor", "", "inputs.to_sparse()")
returns("complex_tensor", "", "inputs.to(torch.complex64)", "complex64")
returns("lazy_parameter", "", "torch.nn.parameter.UninitializedParameter()", "class Uninitialized")
returns("generator", "", "(yield inputs)")
returns("huge_number", "", "10 ** 100_000")
returns("control_characters", """
    Odd = type("\\x1b[2J\\r04.1  right\\u202e", (ValueError,), {})
    def stop(): raise Odd("\\x1b[2J\\x07\\r\\n04.1  right\\n" * 1000)
    """, "stop()")  # fmt: skip
hostile("no_function", "leaky_relu = 'right'", "Hand over the function")
hostile(
    "folder_removed",
    f"""
import os
here = os.getcwd()
os.chdir("/")
os.rmdir(here)
{RIGHT}
""",
    attacked=1,
)
hostile(
    "modules_beside_it",
    "import torch, helper\ndef leaky_relu(inputs, slope):\n    return helper.bent(inputs, slope)",
    attacked=1,
    files={
        "helper.py": "import torch\ndef bent(a, b): return torch.where(a > 0, a, b * a)",
        "torch.py": "raise SystemExit",
        "json.py": "raise SystemExit",
        "sitecustomize.py": "raise SystemExit",
    },
)
