"""Archives and folders of submissions, as the tests make them and look at what is read."""

import io
import json
import zipfile

from mnist_course.grading import submissions

NOTEBOOK = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}).encode()
MIB = 1 << 20


def zipped(files, method=zipfile.ZIP_DEFLATED):
    """The bytes of a zip of these files: content by name or `ZipInfo`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def entry(name, mode=0o100644):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def class_zip(tmp_path, *names):
    path = tmp_path / "class.zip"
    content = dict.fromkeys(names, NOTEBOOK)
    content |= dict.fromkeys((name for name in names if name.endswith("00.txt")), b"Name: J. Doe")
    path.write_bytes(zipped(content))
    return path


def read(path):
    return {one.key: one for one in submissions.read(path)}


def files(submission):
    return [str(file.path) for file in submission.files]


def table(path):
    """What is kept, by student."""
    return {key: files(one) for key, one in read(path).items()}
