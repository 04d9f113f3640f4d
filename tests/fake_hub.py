"""A Hugging Face Hub on this machine: as much of it as is needed to fetch and to publish sets."""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_FakeTokenThatMustNotBeSeen"


class Hub:
    """Repositories and what was asked of them; use it in a `with` statement.

    `files` has contents by (type, repository, revision, path); `refusals` what is answered for a
    repository in place of them, a status and the Hub's name of the error; `sizes` what is said of a
    path in place of its size.
    """

    def __init__(self):
        self.clear()
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def clear(self):
        self.files, self.refusals, self.sizes, self.asked = {}, {}, {}, []
        self.card_errors = []

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()

    def add(self, repo, path, content, revision="main", kind="datasets"):
        self.files[kind, repo, revision, path] = content

    def asked_for(self, method):
        return [path for asked, path, _ in self.asked if asked == method]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub = None

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self._resolve()

    def do_GET(self):
        self._resolve()

    def _resolve(self):
        path = self._noted()
        found = re.fullmatch(r"/(?:(datasets)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if found is None:
            return self._answer(404, {}, error="RepoNotFound")
        kind, repo, revision, file = found[1] or "models", *map(unquote, found.groups()[1:])
        if repo in self.hub.refusals:
            status, error = self.hub.refusals[repo]
            return self._answer(status, {}, error=error)
        keys = [key for key in self.hub.files if key[:2] == (kind, repo)]
        if not keys:
            return self._answer(401, {}, error="RepoNotFound")
        commit = hashlib.sha1(revision.encode()).hexdigest()
        if revision not in {key[2] for key in keys}:
            return self._answer(404, {}, error="RevisionNotFound")
        content = self.hub.files.get((kind, repo, revision, file))
        if content is None:
            return self._answer(404, {}, error="EntryNotFound", commit=commit)
        size = self.hub.sizes.get(file, len(content))
        etag = hashlib.sha256(content).hexdigest()
        self.send_response(200)
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if size is not None:
            headers["X-Linked-Size"] = str(size)
        if self.command == "GET":
            headers["Content-Length"] = str(len(content))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def do_POST(self):
        path = self._noted()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b"".join(iter(self._chunk, b""))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer(401, {"error": "Invalid username or password."})
        if path == "/api/repos/create":
            asked = json.loads(body)
            repo = f"{asked['organization']}/{asked['name']}"
            if repo in self.hub.refusals:
                return self._answer(self.hub.refusals[repo][0], {"error": f"no, Bearer {TOKEN}"})
            return self._answer(200, {"url": f"{self.hub.endpoint}/{asked['type']}s/{repo}"})
        if path == "/api/validate-yaml":
            errors = [{"message": message} for message in self.hub.card_errors]
            return self._answer(400 if errors else 200, {"errors": errors, "warnings": []})
        kind, owner, name, action, revision = path.removeprefix("/api/").split("/")
        if action == "preupload":
            names = [file["path"] for file in json.loads(body)["files"]]
            about = {"uploadMode": "regular", "shouldIgnore": False}
            return self._answer(200, {"files": [{"path": one, **about} for one in names]})
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                content = base64.b64decode(line["value"]["content"])
                self.hub.add(f"{owner}/{name}", line["value"]["path"], content, revision, kind)
        commit = {"commitUrl": f"{self.hub.endpoint}/{kind}/{owner}/{name}/commit/0"}
        self._answer(200, {**commit, "commitOid": "0" * 40, "success": True, "hookOutput": ""})

    def _noted(self):
        path = urlsplit(self.path).path
        self.hub.asked.append((self.command, path, self.headers.get("Authorization")))
        return path

    def _chunk(self):
        content = self.rfile.read(int(self.rfile.readline(), 16))
        self.rfile.readline()
        return content

    def _answer(self, status, values, error=None, commit=None):
        content = json.dumps(values).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (("X-Error-Code", error), ("X-Repo-Commit", commit)):
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
