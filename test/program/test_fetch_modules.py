"""script/fetch_modules.mjs, which fetches the page's modules where there is no npm, from a registry of the test's own:
what is not the archive that package-lock.json names leaves nothing behind, and one line says why."""

import base64
import hashlib
import http.server
import io
import json
import pathlib
import shutil
import subprocess
import tarfile
import threading

import pytest

from server import ENOUGH_S

SCRIPT = pathlib.Path(__file__).parents[2] / "script/fetch_modules.mjs"


def archive(content):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        entry = tarfile.TarInfo("package/index.js")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


WHOLE = archive(b"whole")


class Registry(http.server.BaseHTTPRequestHandler):
    """Answers every request with the server's archive."""

    def do_GET(self):  # noqa: N802: the name is the base class's
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(WHOLE)))
        self.end_headers()
        self.wfile.write(self.server.archive)

    def log_message(self, *_):
        pass


@pytest.fixture
def registry():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        server.archive, server.status = WHOLE, 200
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


@pytest.fixture
def fetch(tmp_path, registry):
    """Runs the script in a folder of its own, which has a client that knows the registry above."""
    (tmp_path / "script").mkdir()
    shutil.copy(SCRIPT, tmp_path / "script")
    client = tmp_path / "node_modules/package-json"
    client.mkdir(parents=True)
    (client / "package.json").write_text('{"type": "module", "exports": "./index.js"}')
    url = f"http://127.0.0.1:{registry.server_port}/thing.tgz"
    (client / "index.js").write_text(f"export default async () => ({{ dist: {{ tarball: '{url}' }} }});")
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(WHOLE).digest()).decode()
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": {
        "": {}, "node_modules/thing": {"version": "1.2.3", "integrity": integrity}}}))
    return lambda: subprocess.run(["node", "script/fetch_modules.mjs"], cwd=tmp_path, capture_output=True, text=True,
                                  timeout=ENOUGH_S)


def lies_in(folder):
    return sorted(path.name for path in (folder / "node_modules").iterdir())


def test_a_module_is_unpacked_and_noted(fetch, tmp_path):
    done = fetch()
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "node_modules/thing/index.js").read_text() == "whole"
    assert lies_in(tmp_path) == [".package-lock.json", "package-json", "thing"]


@pytest.mark.parametrize("answered,status,said", [
    (archive(b"other")[:len(WHOLE)].ljust(len(WHOLE)), 200, "thing 1.2.3: not the archive that package-lock.json names"),
    (WHOLE[:-9], 200, "cannot fetch thing 1.2.3 from the npm registry: "),
    (WHOLE, 404, "cannot fetch thing 1.2.3 from the npm registry: HTTP status 404"),
], ids=["another archive", "a connection that is cut", "no archive"])
def test_what_is_not_the_archive_leaves_nothing_behind(fetch, tmp_path, registry, answered, status, said):
    registry.archive, registry.status = answered, status
    done = fetch()
    assert done.returncode == 1 and done.stderr.startswith("script/fetch_modules.mjs: " + said), done.stderr
    assert len(done.stderr.splitlines()) == 1 and lies_in(tmp_path) == ["package-json"]


@pytest.mark.parametrize("reached", [False, True], ids=["nothing", "the registry alone"])
def test_without_a_network_one_line_says_so(fetch, tmp_path, registry, reached):
    registry.server_close()
    if not reached:  # as package-json does then
        (tmp_path / "node_modules/package-json/index.js").write_text("export default async () => undefined.statusCode;")
    done = fetch()
    said = "script/fetch_modules.mjs: cannot fetch thing 1.2.3 from the npm registry: "
    assert done.returncode == 1 and done.stderr.startswith(said) and (reached or done.stderr == said + "no answer\n")
    assert len(done.stderr.splitlines()) == 1 and lies_in(tmp_path) == ["package-json"]
