"""The server's answers: the page, its files, and predictions as JSON.

What the page needs is read once, when the application is made. So no path of a request ever
reaches the file system: a file is looked up by its name in a dict.
"""

import ipaddress
import json
from pathlib import Path

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from mnist_course import web
from mnist_course.board import bodies, documentation

PAGE = Path(__file__).parent / "page.html"
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
# Everything comes from this server, nothing stands in the page itself, and nobody may frame it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def create_app(reader, own_names=()):
    """The Flask application of the drawing page.

    reader: a `Reader`. own_names: names by which this server may be asked for, besides
    `localhost` and addresses of numbers.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = bodies.MOST_BYTES
    names = {"localhost", *(name.lower() for name in own_names if name)}
    files = _files(reader)
    documented = documentation.describe()

    @app.before_request
    def refuse_foreign_names():
        """A foreign page could give its name our address, and then read what we answer."""
        if not _is_own(request.host, names):
            return _refusal(
                400,
                "This server answers to localhost and to addresses of numbers alone. Open it as "
                "http://127.0.0.1, or start it with --host and the name that you use.",
            )

    @app.after_request
    def protect(response):
        response.headers.extend(HEADERS)
        return response

    @app.get("/")
    def page():
        return _file(*files["page.html"])

    @app.get("/assets/<name>")
    def asset(name):
        if name not in files:
            return _refusal(404, "There is no such file here.")
        return _file(*files[name])

    @app.get("/api")
    def api():
        return jsonify(documented)

    @app.post("/api/predict")
    def predict():
        image = bodies.image_of(request.mimetype, request.get_data(cache=False))
        probabilities = reader.probabilities(image)
        return jsonify(
            prediction=max(range(10), key=probabilities.__getitem__),
            probabilities=probabilities,
            image=image.tolist(),
        )

    @app.errorhandler(bodies.BodyError)
    def bad_body(error):
        return _refusal(error.status, str(error))

    @app.errorhandler(HTTPException)
    def http_error(error):
        response = _refusal(error.code, SENTENCES.get(error.code, error.description))
        if error.code == 405:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return response

    return app


SENTENCES = {
    404: "There is nothing at this address. The API is described at /api.",
    405: "This address can't be asked in that way. The API is described at /api.",
    413: f"The body is too large: at most {bodies.MOST_BYTES:,} bytes are read.",
    500: "The server made a mistake. It goes on; what went wrong stands in its terminal.",
}


def _files(reader):
    """Every file of the page by its name, as (bytes, type)."""
    paths = [path for path in sorted(web.FOLDER.iterdir()) if path.suffix in KINDS]
    files = {path.name: (path.read_bytes(), KINDS[path.suffix]) for path in paths}
    files["page.html"] = (PAGE.read_bytes(), "text/html")
    files["network.json"] = (json.dumps(reader.description).encode(), "application/json")
    files["network.bin"] = (reader.weights, "application/octet-stream")
    return files


def _file(content, kind):
    """A file; the browser keeps it, and asks each time whether it is still the same."""
    response = Response(content, mimetype=kind)
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request)


def _refusal(status, sentence):
    response = jsonify(error=sentence)
    response.status_code = status
    return response


def _is_own(host, names):
    """Whether a Host header names this server: one of its names, or an address of numbers.

    No name can be bent to another address where the browser was given the address itself.
    """
    name = host.lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    else:
        name = name.partition(":")[0]
    if name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
