"""The drawing page's server: what it answers, what it refuses, and that it lives on."""

import contextlib
import http.client
import io
import json
import re
import struct
import subprocess
import sys
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from mnist_course import board, cli, data, drawing, models
from mnist_course.board import bodies, documentation
from mnist_course.board.server import (
    CONNECTIONS,
    IDLE,
    MOST_BUFFERED,
    ServerError,
    address,
    is_local,
)
from mnist_course.checkpoints import CheckpointError, save_checkpoint

ROOT = Path(__file__).parent.parent
SEVEN = [[[60, 50], [200, 50], [120, 240]]]
FUZZ = settings(deadline=None, max_examples=100, derandomize=True, database=None)
SENTENCE = re.compile(r"[A-Z].*\.", re.S)


@pytest.fixture(scope="module")
def reader():
    """An untrained network: what it says is nonsense, but always the same."""
    torch.manual_seed(0)
    network = models.residual_network()
    network(torch.randn(32, 1, 28, 28))  # running means that are not 0
    return board.Reader.of(network)


@pytest.fixture(scope="module")
def client(reader):
    return board.create_app(reader, ["Drawing.example"]).test_client()


def predict(client, body, kind="application/json", **more):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/api/predict", data=content, content_type=kind, **more)


def png(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(file, "PNG", **options)
    return file.getvalue()


def assert_refused(answer, *statuses):
    """A 4xx of these, with a sentence as JSON."""
    assert answer.status_code in statuses, answer.get_data(as_text=True)
    assert answer.mimetype == "application/json"
    [(name, sentence)] = answer.get_json().items()
    assert name == "error"
    assert SENTENCE.fullmatch(sentence), sentence
    return sentence


# --- the page -----------------------------------------------------------------------------


def test_the_page_and_all_that_it_asks_for_come_from_this_server(client):
    page = client.get("/")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    wanted = set(re.findall(r'(?:src|href)="([^"]+)"', page.text))
    assert wanted >= {"/assets/board.js", "/assets/board.css", "/assets/theme.css", "/api"}
    while wanted:
        path = wanted.pop()
        answer = client.get(path)
        assert answer.status_code == 200, path
        if path.endswith(".js"):
            assert answer.mimetype == "text/javascript"
            wanted |= {f"/assets/{name}" for name in re.findall(r'from "\./([^"]+)"', answer.text)}
            wanted |= {f"/assets/{name}" for name in re.findall(r'load\("([^"]+)"\)', answer.text)}
        if path.endswith((".js", ".css")):
            assert not re.search(r"https?://|url\(|@import", answer.text), path


def test_nothing_in_the_page_needs_an_unsafe_policy(client):
    page = client.get("/")
    assert not re.search(r"<style|style=|\son\w+=|<script(?! type=\"module\" src)", page.text)
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")


@pytest.mark.parametrize("path", ["/", "/api", "/assets/board.js", "/nothing", "/assets/nothing"])
def test_every_answer_is_protected(client, path):
    for answer in (client.get(path), client.delete(path), client.get(path, headers={"Host": "x"})):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_network_in_the_page_is_the_one_that_answers(client, reader):
    assert client.get("/assets/network.json").get_json() == reader.description
    assert client.get("/assets/network.bin").data == reader.weights


def test_a_file_is_sent_again_only_when_it_has_changed(client):
    first = client.get("/assets/board.js")
    again = client.get("/assets/board.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../page.html", "/assets/%2e%2e/board/page.html", "/assets/..%2f..%2fruntime.py",
        "/assets/..%5cboard%5cpage.html", "/assets//etc/passwd", "/assets/%2fetc%2fpasswd",
        "/assets/C:%5cWindows%5cwin.ini", "/assets/board.js%00", "/assets/__init__.py",
        "/page.html", "/static/board.js", "/assets/",
    ],
)  # fmt: skip
def test_no_path_reaches_the_file_system(client, path):
    answer = client.get(path, follow_redirects=True)
    assert_refused(answer, 404)


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:8800", "127.0.0.1:8800", "[::1]:8800", "192.168.1.7:8800",
        "drawing.example", "DRAWING.EXAMPLE:80",
    ],
)  # fmt: skip
def test_it_answers_to_its_own_names_and_to_addresses(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil.example:8800", "127.0.0.1.evil.example", "[x"],
)
def test_a_page_that_borrows_our_address_is_refused(client, host):
    assert_refused(client.get("/", headers={"Host": host}), 400)
    assert_refused(predict(client, {"strokes": SEVEN}, headers={"Host": host}), 400)


# --- predictions --------------------------------------------------------------------------


def says(reader, image):
    with torch.no_grad():
        images = data.normalise(data.scale(torch.tensor(image)[None]))
        return reader.network(images)[0].softmax(0)


def test_strokes_are_read_as_the_network_reads_them(client, reader):
    answer = predict(client, {"strokes": SEVEN, "field": [0, 0, 280], "pen": 20})
    assert answer.status_code == 200
    found = answer.get_json()
    steps = drawing.from_strokes(SEVEN, field=(0, 0, 280), pen=20)
    assert found["image"] == steps.image.tolist()
    expected = says(reader, steps.image)
    torch.testing.assert_close(torch.tensor(found["probabilities"]), expected)
    assert found["prediction"] == expected.argmax()


@pytest.mark.parametrize("name", ["ink_on_black", "pen", "box", "centre"])
def test_each_step_can_be_left_out(client, name):
    # up and to the left in its field, by a thick pen, so that every step matters
    sent = {"strokes": SEVEN, "field": [20, 20, 400], "pen": 50}
    whole = predict(client, sent).get_json()
    without = predict(client, {**sent, "options": {name: False}}).get_json()
    assert without["image"] != whole["image"]
    left_out = {name: None if name == "pen" else False}
    steps = drawing.from_strokes(
        SEVEN, field=(20, 20, 400), pen=50, options=drawing.Options(**left_out)
    )
    assert without["image"] == steps.image.tolist()


def test_a_picture_is_read(client, reader, digits):
    large = 255 - np.kron(digits.train.images[0].numpy(), np.ones((10, 10), np.uint8))
    found = predict(client, png(large), "image/png").get_json()
    image = drawing.from_picture(Image.fromarray(large)).image
    assert found["image"] == image.tolist()
    torch.testing.assert_close(torch.tensor(found["probabilities"]), says(reader, image))


def test_a_picture_of_16_bits_is_read_like_one_of_8(client, digits):
    large = 255 - np.kron(digits.train.images[0].numpy(), np.ones((10, 10), np.uint8))
    file = io.BytesIO()
    Image.fromarray(large.astype(np.uint16) * 257).save(file, "PNG")
    found = predict(client, file.getvalue(), "image/png")
    assert found.get_json() == predict(client, png(large), "image/png").get_json()


def test_the_answer_is_as_documented(client):
    documented = client.get("/api").get_json()
    assert documented == json.loads(json.dumps(documentation.describe()))
    post = documented["paths"]["/api/predict"]["post"]
    body = post["requestBody"]["content"]["application/json"]
    jsonschema.validate(body["example"], body["schema"])
    answer = predict(client, body["example"])
    schema = post["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(answer.get_json(), schema)
    assert sum(answer.get_json()["probabilities"]) == pytest.approx(1)


def test_a_stroke_of_hardly_any_length_is_a_dot(client):
    dot = predict(client, {"strokes": [[[0, 0]]]})
    assert dot.status_code == 200
    assert predict(client, {"strokes": [[[0, 0], [5e-324, 0]]]}).get_json() == dot.get_json()


# --- refusals -----------------------------------------------------------------------------

REFUSED = [
    (b"", 400, "JSON"),
    (b"{", 400, "JSON"),
    (b"\xff\xfe\x00", 400, "JSON"),
    (b"[" * 100_000, 400, "JSON"),
    (b'{"strokes": [[[1e999, 0], [1, 1]]]}', 422, "number"),
    (b'{"strokes": [[[NaN, 0], [1, 1]]]}', 400, "NaN"),
    (b'{"strokes": [[[-Infinity, 0], [1, 1]]]}', 400, "Infinity"),
    (b'{"strokes": [[[' + b"9" * 5000 + b", 0]]]}", 422, "from 0"),
    (b'{"strokes": [[[' + b"9" * 400 + b", 0]]]}", 422, "from 0"),
    ([], 400, "object"),
    ({}, 400, "strokes"),
    ({"strokes": None}, 400, "strokes"),
    ({"strokes": []}, 422, "Nothing drawn"),
    ({"strokes": [[]]}, 422, "Nothing drawn"),
    ({"strokes": "abc"}, 400, "lists"),
    ({"strokes": {"0": []}}, 400, "lists"),
    ({"strokes": [[1, 2]]}, 400, "two numbers"),
    ({"strokes": [[[1]]]}, 400, "two numbers"),
    ({"strokes": [[[1, 2, 3]]]}, 400, "two numbers"),
    ({"strokes": [[["1", "2"]]]}, 400, "two numbers"),
    ({"strokes": [[[True, 1]]]}, 400, "two numbers"),
    ({"strokes": [[[1e300, 0], [0, 1]]]}, 422, "from 0"),
    ({"strokes": [[[0, 0]] * (bodies.MOST_POINTS + 1)]}, 413, "points"),
    ({"strokes": SEVEN, "path": "/etc/passwd"}, 400, "unknown"),
    ({"strokes": SEVEN, "pen": 0}, 422, "width"),
    ({"strokes": SEVEN, "pen": "wide"}, 422, "width"),
    ({"strokes": SEVEN, "pen": 10**400}, 422, "width"),
    ({"strokes": SEVEN, "field": [0, 0]}, 422, "field"),
    ({"strokes": SEVEN, "field": [0, 0, -1]}, 422, "field"),
    ({"strokes": SEVEN, "field": [0, 0, 10**400]}, 422, "field"),
    ({"strokes": SEVEN, "field": "abc"}, 422, "field"),
    ({"strokes": SEVEN, "options": {"box": 1}}, 400, "options"),
    ({"strokes": SEVEN, "options": {"colour": True}}, 400, "options"),
    ({"strokes": SEVEN, "options": []}, 400, "options"),
    ({"strokes": SEVEN, "field": [9e8, 9e8, 1], "options": {"box": False}}, 422, "field"),
]


@pytest.mark.parametrize(("body", "status", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_drawing_is_refused_with_a_sentence(client, body, status, words):
    assert words in assert_refused(predict(client, body), status)


def chunk(kind, content):
    length, check = struct.pack(">I", len(content)), struct.pack(">I", zlib.crc32(kind + content))
    return length + kind + content + check


def header(width, height):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))


def file_of(*chunks):
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def bomb_of_text():
    about = PngImagePlugin.PngInfo()
    about.add_text("about", "a" * 50_000_000, zip=True)
    return png(np.zeros((9, 9)), pnginfo=about)


GOOD = png(255 - np.eye(40) * 255)
PICTURES = {
    "nothing": (b"", 400),
    "a text": (b"hello", 400),
    "cut off": (GOOD[:-30], 400),
    "cut off in its header": (GOOD[:20], 400),
    "a broken check": (GOOD[:60] + b"\0\0\0\0" + GOOD[64:], 400),
    "no pixels": (file_of(header(0, 0)), 400),
    "a header alone": (file_of(header(28, 28)), 400),
    "too wide": (png(np.zeros((2, bodies.LONGEST_SIDE + 1))), 413),
    "a bomb of pixels": (file_of(header(50_000, 50_000), chunk(b"IDAT", zlib.compress(b""))), 413),
    "nearly a bomb": (file_of(header(10_000, 10_000), chunk(b"IDAT", zlib.compress(b""))), 413),
    "two headers": (
        file_of(header(1, 1), header(50_000, 50_000), chunk(b"IDAT", zlib.compress(b"\0\0"))), 413,
    ),
    "a bomb of text": (bomb_of_text(), 400),
    "another format": (b"GIF89a" + bytes(40), 400),
    "white paper": (png(np.full((50, 50), 255)), 422),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_what_is_no_picture_is_refused_with_a_sentence(client, name):
    content, status = PICTURES[name]
    assert len(content) < bodies.MOST_BYTES
    assert_refused(predict(client, content, "image/png"), status)


def test_a_body_that_is_too_large_is_refused(client):
    assert "bytes" in assert_refused(predict(client, b" " * (bodies.MOST_BYTES + 1)), 413)


@pytest.mark.parametrize(
    "kind", ["text/plain", "", "application/x-www-form-urlencoded", "image/gif"]
)
def test_another_kind_of_body_is_refused(client, kind):
    """Forms of other pages can send these, and nothing else, without being asked."""
    assert "Content-Type" in assert_refused(predict(client, {"strokes": SEVEN}, kind), 415)


def test_another_method_is_refused(client):
    for method in ("get", "put", "delete", "patch"):
        answer = getattr(client, method)("/api/predict")
        assert_refused(answer, 405)
        assert "POST" in answer.headers["Allow"]
    assert_refused(client.post("/"), 405)


# --- what nobody thought of ---------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    max_leaves=20,
)
COORDINATES = st.integers() | st.floats()
STROKES = st.lists(st.lists(st.lists(COORDINATES, min_size=2, max_size=2), max_size=6), max_size=4)
SWITCHES = st.dictionaries(st.sampled_from(list(bodies.SWITCHES)), st.booleans() | JSON)
DRAWINGS = st.fixed_dictionaries(
    {"strokes": STROKES | JSON},
    optional={
        "field": st.lists(COORDINATES, max_size=4) | JSON,
        "pen": COORDINATES | JSON,
        "options": SWITCHES | JSON,
    },
)


def assert_survived(client, answer):
    if answer.status_code == 200:
        jsonschema.validate(answer.get_json(), documentation.PREDICTION)
    else:
        assert_refused(answer, 400, 413, 415, 422)
    assert predict(client, {"strokes": SEVEN}).status_code == 200


@FUZZ
@given(DRAWINGS | JSON)
def test_any_json_is_answered_or_refused(client, sent):
    assert_survived(client, predict(client, sent))


@FUZZ
@given(st.lists(st.lists(st.tuples(*[st.floats(-300, 300)] * 2), min_size=1), min_size=1), SWITCHES)
def test_any_drawing_is_answered_or_refused(client, strokes, switches):
    sent = {"strokes": strokes, "field": [0, 0, 280], "options": switches}
    assert_survived(client, predict(client, sent))


@FUZZ
@given(st.binary(), st.sampled_from(["application/json", "image/png", "text/html"]) | st.text())
def test_any_bytes_are_answered_or_refused(client, content, kind):
    try:
        kind.encode("latin-1")
    except UnicodeEncodeError:
        return  # no header can hold it
    if "\n" not in kind and "\r" not in kind:
        assert_survived(client, predict(client, content, kind))


@FUZZ
@given(st.data())
def test_any_broken_picture_is_answered_or_refused(client, drawn):
    content = bytearray(GOOD)
    places = st.integers(0, len(GOOD) - 1)
    for place in drawn.draw(st.lists(places, max_size=5)):
        content[place] = drawn.draw(st.integers(0, 255))
    end = drawn.draw(places)
    assert_survived(client, predict(client, bytes(content[:end] or content), "image/png"))


# --- weights ------------------------------------------------------------------------------


def test_the_shipped_weights_read_a_digit(digits):
    shipped = board.Reader.shipped()
    probabilities = shipped.probabilities(digits.validation.images[0].numpy())
    assert int(np.argmax(probabilities)) == digits.validation.labels[0]
    assert sum(probabilities) == pytest.approx(1)


def test_ones_own_weights_are_read(tmp_path, reader):
    path = save_checkpoint(tmp_path / "mine", reader.network)
    image = np.arange(784, dtype=np.uint8).reshape(28, 28)
    own = board.Reader.from_file(path)
    assert own.probabilities(image) == reader.probabilities(image)
    assert own.weights == reader.weights


def test_a_network_that_ends_with_softmax_is_not_squeezed_twice():
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(784, 10), torch.nn.Softmax(dim=1)
    )
    image = np.arange(784, dtype=np.uint8).reshape(28, 28)
    with torch.no_grad():
        expected = network(data.normalise(data.scale(torch.tensor(image)[None])))[0]
    assert board.Reader.of(network).probabilities(image) == pytest.approx(expected.tolist())


def test_other_weights_are_refused_with_a_sentence(tmp_path, reader):
    pickled = tmp_path / "network.pt"
    torch.save(reader.network.state_dict(), pickled)
    with pytest.raises(CheckpointError, match="network.pt is no .safetensors file"):
        board.Reader.from_file(pickled)
    with pytest.raises(CheckpointError, match="there is no file"):
        board.Reader.from_file(tmp_path / "none.safetensors")
    pickled = pickled.rename(tmp_path / "network.safetensors")
    with pytest.raises(CheckpointError, match="broken"):
        board.Reader.from_file(pickled)
    lenet = save_checkpoint(tmp_path / "lenet", models.lenet5())
    with pytest.raises(CheckpointError, match="another network"):
        board.Reader.from_file(lenet)
    assert board.Reader.from_file(lenet, "lenet5").description["nodes"][-1]["shape"] == [10]


def test_weights_of_a_diverged_training_are_refused(tmp_path):
    network = models.residual_network()
    with torch.no_grad():
        next(network.parameters()).fill_(float("nan"))
    path = save_checkpoint(tmp_path / "diverged", network)
    with pytest.raises(CheckpointError, match="diverged"):
        board.Reader.from_file(path)


# --- the command --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served():
    """The address of a drawing page that runs in a process of its own."""
    code = "from mnist_course.cli import main; main(['board', '--port', '0', '--no-browser'])"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline()
        assert line.startswith("The drawing page: http://127.0.0.1:"), process.communicate()
        yield line.split()[3]
        assert process.poll() is None  # it lives on
    finally:
        process.terminate()
        process.communicate()


def asked(url, body=None, **headers):
    """(status, body) of an answer of the served page."""
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_command_serves_the_page_and_reads_digits(served):
    status, page = asked(served)
    assert (status, page[:15]) == (200, b"<!doctype html>")
    kind = {"Content-Type": "application/json"}
    status, answer = asked(f"{served}api/predict", json.dumps({"strokes": SEVEN}).encode(), **kind)
    assert (status, json.loads(answer)["prediction"]) == (200, 7)
    status, answer = asked(f"{served}api/predict", b" " * (2 * bodies.MOST_BYTES), **kind)
    assert (status, list(json.loads(answer))) == (413, ["error"])
    assert asked(served, Host="evil.example")[0] == 400
    assert asked(served)[0] == 200


def test_a_class_of_idle_browsers_keeps_nobody_out(served):
    """A browser keeps up to six connections open, and 25 phones may do so at once."""
    host, port = served.removeprefix("http://").rstrip("/").split(":")
    with contextlib.ExitStack() as stack:
        for _ in range(150):
            one = http.client.HTTPConnection(host, int(port), timeout=30)
            stack.callback(one.close)
            one.request("GET", "/assets/icon.svg")
            assert one.getresponse().read()
        assert asked(served)[0] == 200


def test_a_port_that_is_taken_is_said(served, reader):
    port = int(served.rstrip("/").rpartition(":")[2])
    with pytest.raises(ServerError, match=f"can't listen on port {port}.*another port"):
        board.serve(reader, port=port)


def test_a_host_that_nobody_knows_is_said(reader):
    with pytest.raises(ServerError, match="can't listen"):
        board.serve(reader, host="no such host", port=0)


@pytest.mark.parametrize(
    ("host", "local", "said"),
    [
        ("127.0.0.1", True, "http://127.0.0.1:8800/"),
        ("localhost", True, "http://localhost:8800/"),
        ("::1", True, "http://[::1]:8800/"),
        ("0.0.0.0", False, "http://127.0.0.1:8800/"),
        ("192.168.1.7", False, "http://192.168.1.7:8800/"),
        ("room-7", False, "http://room-7:8800/"),
    ],
)
def test_who_can_reach_it_and_where(host, local, said):
    assert (is_local(host), address(host, 8800)) == (local, said)


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_whoever_opens_it_to_others_is_warned(host, warned, monkeypatch, reader):
    monkeypatch.setattr(board.Reader, "shipped", classmethod(lambda cls: reader))
    monkeypatch.setattr(
        board, "serve", lambda reader, host, port, started: started(address(host, port))
    )
    done = CliRunner().invoke(cli.main, ["board", "--no-browser", "--host", host])
    assert done.exit_code == 0, done.output
    assert "http://127.0.0.1:8800/" in done.output
    assert ("Everyone who reaches this machine" in done.output) == warned


def test_the_command_says_what_is_wrong_with_weights(tmp_path):
    done = CliRunner().invoke(cli.main, ["board", "--weights", str(tmp_path / "x.pkl")])
    assert done.exit_code == 1
    assert "Error: x.pkl is no .safetensors file" in done.output


# --- what is written of it ----------------------------------------------------------------


def test_the_documentation_names_the_limits_and_the_options_of_the_code():
    text = " ".join((ROOT / "docs" / "board.md").read_text(encoding="utf-8").split())
    limits = (
        f"{bodies.MOST_BYTES:,} bytes, {bodies.MOST_POINTS:,} points, or {bodies.LONGEST_SIDE:,}"
    )
    assert limits in text
    assert f"{MOST_BUFFERED:,} bytes" in text
    assert f"up to {CONNECTIONS} connections" in text
    assert f"for {IDLE} seconds" in text
    for name in (*bodies.KEYS, *bodies.SWITCHES):
        assert f"`{name}`" in text or f'"{name}"' in text


def test_the_documented_request_is_answered(client):
    text = (ROOT / "docs" / "board.md").read_text(encoding="utf-8")
    [body] = re.findall(r"--data '(.*)'", text)
    assert predict(client, body.encode()).status_code == 200
