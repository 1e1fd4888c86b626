"""What was found of each submission, kept in files, so that nothing is graded twice.

A record belongs to one submission. It says for each exercise what was found, and by which code and
cases. So when a submission, a check or a hidden case changes, just that is graded again.
"""

import hashlib
import importlib
import inspect
import json
import platform
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import torch

from mnist_course import runtime
from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES
from mnist_course.grading.examination import Examined

PACKAGE = Path(__file__).parents[1]
# What decides on a finding, besides the exercise's own module.
ENGINE = (
    *(PACKAGE / "assessment").glob("*.py"),
    *(
        PACKAGE / "grading" / f"{name}.py"
        for name in (
            "answers",
            "examination",
            "findings",
            "notebooks",
            "questions",
            "supervision",
            "syntax",
            "worker",
        )
    ),
)


def codes(policy):
    """A digest for each graded exercise of all that decides on a finding: code, cases, versions."""
    common = engine()
    return {
        one.name: _digest(
            common,
            *_sources(one.reference.__module__, set()),
            repr((one.number, one.title, one.section, sorted(one.sections.items()))),
            json.dumps(policy.cases.get(one.name, [])),
        )
        for one in policy.exercises()
    }


def engine():
    """A digest of what all findings depend on: the code that observes and judges, and versions."""
    versions = platform.python_version(), torch.__version__, numpy.__version__
    return _digest(repr(versions), *(path.read_text("utf-8") for path in sorted(ENGINE)))


def _sources(name, seen):
    """Yield the source of an exercise's module and of those that it takes from its package."""
    if name in seen:
        return
    seen.add(name)
    text = inspect.getsource(importlib.import_module(name))
    yield text
    for other in re.findall(r"^from (mnist_course\.exercises\.\w+) import", text, re.MULTILINE):
        yield from _sources(other, seen)


def _digest(*texts):
    digest = hashlib.sha256()
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()


@dataclass
class Record:
    """What is known of one submission from earlier runs."""

    submission: str = ""  # digest of its files
    codes: dict[str, str] = field(default_factory=dict)  # by exercise: what the finding comes from
    examined: Examined = field(default_factory=Examined)
    reported: dict[str, float] = field(default_factory=dict)  # points by exercise, as last reported

    def wanted(self, submission, codes):
        """The exercises that have to be examined, of a submission with this digest."""
        if submission != self.submission:
            return list(codes)
        return [name for name, code in codes.items() if self.codes.get(name) != code]

    def updated(self, submission, codes, names, examined):
        """The record after these exercises were examined."""
        if submission != self.submission:
            known, findings = {}, {}
        else:
            known, findings = dict(self.codes), dict(self.examined.findings)
        for name in names:
            known[name] = codes[name]
            findings.pop(name, None)
        findings |= examined.findings
        for name, finding in findings.items():
            if finding.verdict is Verdict.NOT_JUDGED:  # by no fault of the answer: try again
                known.pop(name, None)
        ordered = {name: findings[name] for name in EXERCISES if name in findings}
        examined = Examined(ordered, examined.files, examined.remarks)
        return Record(submission, known, examined, self.reported)


class Records:
    """The records of a class, a file for each submission."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def path(self, key):
        """The file of the submission with this key, which may hold any character."""
        return (
            self.folder / f"{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:24]}.json"
        )

    def load(self, key):
        """The `Record` of a submission; an empty one where there is none, or a damaged one."""
        try:
            data = json.loads(self.path(key).read_text("utf-8"))
            if data["key"] == key:
                examined = Examined.decoded(data["examined"])
                return Record(data["submission"], data["codes"], examined, data["reported"])
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            pass
        return Record()

    def save(self, key, record):
        """Write a record, whole or not at all."""
        data = {**vars(record), "key": key, "examined": record.examined.encoded()}
        runtime.write_whole(self.path(key), json.dumps(data, indent=1).encode())
