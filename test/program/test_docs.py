"""/docs, the debugger, as a browser gets it. What it does in a browser is in test/page."""

import gzip
import json
import re
import subprocess

import pytest

from server import BINARY, ENOUGH_S
from world import request

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
CREDENTIALS = {"enterprise_id": "e" * 32, "enterprise_secret": "5" * 32, "product_key": "a" * 32, "product_secret": "b" * 32}


def get(server, path, method="GET", **headers):
    return request(server.http, method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def files_of_the_page(server):
    """Every file that the page loads, by name: those of its HTML, and what they import."""
    page = get(server, "/docs/").body.decode()
    waiting = re.findall(r'(?:src|href)="([^"]+)"', page)
    found = {}
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = get(server, f"/docs/{name}")
            if name.endswith(".js") and name != "swagger-ui-bundle.js":
                waiting += [path.removeprefix("./") for path in re.findall(r'from "([^"]+)"', found[name].body.decode())]
    return page, found


def test_docs_leads_to_its_page_by_a_relative_address_that_keeps_the_query(shared_server):
    answer = get(shared_server, "/docs")
    assert (answer.status, answer.headers["Location"]) == (308, "docs/")
    answer = get(shared_server, "/docs?a=1&b=%2F")
    assert (answer.status, answer.headers["Location"]) == (308, "docs/?a=1&b=%2F")
    answer = get(shared_server, "/docs/")
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_the_servers_address_alone_leads_to_the_page_by_a_relative_address(shared_server):
    for method in ("GET", "HEAD"):
        answer = get(shared_server, "/", method)
        assert (answer.status, answer.headers["Location"], answer.body) == (302, "docs/", b"")
    assert get(shared_server, "/nothing").error == (404, 404)
    assert get(shared_server, "/", "POST").error == (405, 405)


def test_every_file_that_the_page_loads_is_served_with_its_type_and_nothing_comes_from_elsewhere(shared_server):
    page, files = files_of_the_page(shared_server)
    types = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml",
             "LICENSE": "text/plain; charset=utf-8"}
    assert {"swagger-ui-bundle.js", "swagger-ui.css", "debugger.js", "words.js", "icon.svg"} <= set(files)
    assert not re.search(r"//\w", page) and "<style" not in page and not re.search(r"<script(?![^>]*src=)", page)
    assert not re.search(r"\son\w+=|\sstyle=", page)
    for name, answer in files.items():
        assert answer.status == 200, name
        assert answer.headers["Content-Type"] == types[name.rsplit(".", 1)[-1]]
        text = answer.body.decode()
        if name.endswith(".css"):
            assert "@import" not in text
            assert all(url.strip("'\"").startswith("data:") for url in re.findall(r"url\(([^)]*)\)", text)), name
        elif name.endswith(".js") and name != "swagger-ui-bundle.js":
            assert not re.search(r"https?:|[\"'`]//\w", text), name


def test_all_answers_of_the_page_forbid_whatever_it_does_not_need(shared_server):
    for path, status in (("/docs", 308), ("/docs/", 200), ("/docs/debugger.js", 200), ("/docs/nothing", 404)):
        answer = get(shared_server, path)
        assert answer.status == status
        assert {name: answer.headers[name] for name in SECURITY} == SECURITY
        policy = dict(directive.split(" ", 1) for directive in answer.headers["Content-Security-Policy"].split("; "))
        assert policy == {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:",
                          "connect-src": "'self'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"}


def test_a_file_comes_compressed_to_who_takes_it_so(shared_server):
    plain = get(shared_server, "/docs/swagger-ui-bundle.js")
    assert "Content-Encoding" not in plain.headers and len(plain.body) > 1_000_000
    for accepted in ("gzip", "br, GZIP;q=0.5", "*", "deflate, *;q=0.1"):
        packed = get(shared_server, "/docs/swagger-ui-bundle.js", Accept_Encoding=accepted)
        assert packed.headers["Content-Encoding"] == "gzip" and packed.headers["Vary"] == "Accept-Encoding"
        assert len(packed.body) < len(plain.body) / 3 and gzip.decompress(packed.body) == plain.body
        assert packed.headers["ETag"] != plain.headers["ETag"]
    for refused in ("identity", "gzip;q=0", "*, gzip;q=0", "br", "gzipped", ""):
        answer = get(shared_server, "/docs/swagger-ui-bundle.js", Accept_Encoding=refused)
        assert "Content-Encoding" not in answer.headers and answer.headers["Vary"] == "Accept-Encoding"


def test_a_file_that_the_browser_has_is_not_sent_again(shared_server):
    for path in ("/docs/", "/docs/debugger.js"):
        first = get(shared_server, path)
        tag = first.headers["ETag"]
        assert re.fullmatch(r'"[0-9a-f]{32}"', tag) and first.headers["Cache-Control"] == "no-cache"
        for same in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            again = get(shared_server, path, If_None_Match=same)
            assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
        assert get(shared_server, path, If_None_Match='"other"').body == first.body
        packed = get(shared_server, path, If_None_Match=tag, Accept_Encoding="gzip")
        assert packed.status == 200 and gzip.decompress(packed.body) == first.body


def test_head_tells_what_get_would_send(shared_server):
    for path in ("/docs/", "/docs/swagger-ui.css"):
        got, head = get(shared_server, path), get(shared_server, path, method="HEAD")
        assert head.status == 200 and head.body == b""
        assert {k: v for k, v in head.headers.items() if k != "Date"} == {k: v for k, v in got.headers.items() if k != "Date"}


@pytest.mark.parametrize("path", ["/docs/nothing.js", "/docs/index.html", "/docs/demo.html", "/docs/demo.json", "/docs//", "//docs/",
                                  "/docs/page/debugger.js", "/docs/..%2fopenapi.json", "/docs/debugger"])
def test_what_is_no_file_of_the_page_is_not_found(shared_server, path):
    answer = get(shared_server, path)
    assert answer.status == 404 and answer.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_the_page_can_only_be_read(shared_server, method):
    for path in ("/docs/", "/docs/debugger.js"):
        answer = get(shared_server, path, method=method)
        assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD, OPTIONS"


# --- the demo's credentials -------------------------------------------------------------------------

def test_credentials_are_given_away_only_by_a_server_that_was_told_to(make_server, tmp_path):
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps(CREDENTIALS))
    server = make_server("--demo-credentials", str(path))
    answer = get(server, "/docs/demo.json")
    assert answer.json == CREDENTIALS and answer.headers["Cache-Control"] == "no-store"
    assert " data-demo>" in get(server, "/docs/").body.decode()
    assert "event=demo_credentials_given_away" in server.log_text()
    assert CREDENTIALS["enterprise_secret"] not in server.log_text()
    server.stop()
    server = server.start()
    assert get(server, "/docs/demo.json").status == 200
    other = make_server(data=tmp_path / "other")
    assert get(other, "/docs/demo.json").status == 404
    assert "data-demo" not in get(other, "/docs/").body.decode()


@pytest.mark.parametrize("content, reason", [
    ("", "line 1"), ("[]", "enterprise_id"), ("{nonsense", "line 1"),
    (json.dumps({**CREDENTIALS, "product_secret": 5}), "product_secret"),
    (json.dumps({k: v for k, v in CREDENTIALS.items() if k != "product_key"}), "product_key"),
])
def test_a_wrong_credentials_file_keeps_the_server_from_starting(tmp_path, content, reason):
    path = tmp_path / "credentials.json"
    path.write_text(content)
    result = subprocess.run([BINARY, "serve", "--data", str(tmp_path / "data"), "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0",
                             "--ops", "127.0.0.1:0", "--demo-credentials", str(path)],
                            capture_output=True, text=True, timeout=ENOUGH_S)
    assert result.returncode == 2
    last = result.stderr.strip().splitlines()[-1]
    assert "--demo-credentials" in last and str(path) in last and reason in last


def test_a_credentials_file_that_is_missing_keeps_the_server_from_starting(tmp_path):
    result = subprocess.run([BINARY, "serve", "--data", str(tmp_path / "data"), "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0",
                             "--ops", "127.0.0.1:0", "--demo-credentials", str(tmp_path / "none.json")],
                            capture_output=True, text=True, timeout=ENOUGH_S)
    assert result.returncode == 1 and "none.json" in result.stderr.strip().splitlines()[-1]


# --- what the page fills calls with -----------------------------------------------------------------

def test_the_document_has_an_example_for_every_parameter_and_body(shared_server):
    document = get(shared_server, "/openapi.json").json
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            for parameter in call["parameters"]:
                assert parameter["example"] is not None, (method, path, parameter["name"])
                assert parameter["description"], (method, path, parameter["name"])
            if "requestBody" in call:
                assert call["requestBody"]["content"]["application/json"]["example"], (method, path)
