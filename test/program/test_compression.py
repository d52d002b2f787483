"""Large answers are compressed for whoever asks for it, and are the same answers."""

import contextlib
import gzip
import json

import pytest

from rawhttp import Connection
from world import World, query, request

SMALL = 4096
ROWS = 1000


@pytest.fixture(scope="module")
def world(shared_server):
    world = World(shared_server)
    world.import_devices(*({"mac": f"{n:012x}"} for n in range(ROWS)))
    return world


def ask(world, path, method="GET", **headers):
    return request(world.server.http, method, path, headers={**world.headers, **{k.replace("_", "-"): v for k, v in headers.items()}})


def page(world, limit=ROWS):
    return world.path("devices/search", limit=limit)


# --- what the API makes ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("path", ["devices/search?limit=1000", "datapoint"])  # on the loop, and on a worker
def test_a_large_answer_is_compressed_when_asked_for(world, path):
    plain = ask(world, world.path(path))
    assert plain.status == 200 and "Content-Encoding" not in plain.headers and len(plain.body) > SMALL
    packed = ask(world, world.path(path), Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip" and packed.headers["Content-Type"] == plain.headers["Content-Type"]
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"


def test_a_page_of_1000_rows_becomes_a_tenth(world):
    assert len(ask(world, page(world), Accept_Encoding="gzip").body) < len(ask(world, page(world)).body) / 10


WITH = ["gzip", "GZip", "x-gzip", "*", "gzip;q=0.001", "br, gzip;q=0.8", "identity;q=0.5, gzip", "gzip , identity",
        "identity;q=0, *", "deflate, *;q=0.1"]
WITHOUT = ["", "identity", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "*, gzip;q=0", "identity, gzip;q=0.9", "gzipped", "gzip;q=2",
           "gzip;q=1.001", "gzip;q=nan", "gzip;q=0x1", "gzip;q=-1", "gzip;q=", "gzip;q=0.1234"]


@pytest.mark.parametrize("accepted", [*WITH, *WITHOUT])
def test_what_a_client_accepts_is_read_as_the_rfc_says(world, accepted):
    answer = ask(world, page(world, 50), Accept_Encoding=accepted)
    assert answer.status == 200
    assert (answer.headers["Content-Encoding"] == "gzip") == (accepted in WITH)
    assert answer.headers["Vary"] == "Accept-Encoding"


def test_the_header_may_come_in_several_lines(world):
    with Connection(world.server.http) as c:
        c.send(f"GET {page(world)} HTTP/1.1\r\nHost: x\r\nAuthorization: token {world.token}\r\n"
               "Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n\r\n")
        assert c.answer().headers["Content-Encoding"] == "gzip"


def test_small_answers_are_not_compressed(world):
    answer = ask(world, page(world, 1), Accept_Encoding="gzip")
    assert len(answer.body) < SMALL and "Content-Encoding" not in answer.headers and "Vary" not in answer.headers
    refused = ask(world, world.path("devices/search", limit="x"), Accept_Encoding="gzip")
    assert refused.error == (400, 5002)


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_head_tells_the_length_that_get_would_have(world, accepted):
    got = ask(world, page(world), Accept_Encoding=accepted)
    head = ask(world, page(world), "HEAD", Accept_Encoding=accepted)
    assert head.body == b"" and int(head.headers["Content-Length"]) == len(got.body)
    assert head.headers["Content-Encoding"] == got.headers["Content-Encoding"]


def test_compressed_answers_keep_the_order_of_their_requests(world):
    with Connection(world.server.http) as c:
        wanted = []
        for n in range(40):
            limit = [1, 1000, 40, 3][n % 4]
            c.send(f"GET {page(world, limit)} HTTP/1.1\r\nHost: x\r\nAuthorization: token {world.token}\r\nAccept-Encoding: gzip\r\n\r\n")
            wanted.append(limit)
        for limit in wanted:
            answer = c.answer()
            body = gzip.decompress(answer.body) if answer.headers["Content-Encoding"] else answer.body
            assert len(json.loads(body)["objects"]) == limit


def test_callers_that_go_away_while_their_answer_is_compressed_do_no_harm(world):
    for _ in range(50):
        with contextlib.closing(Connection(world.server.http)) as c:
            c.send(f"GET {page(world)} HTTP/1.1\r\nHost: x\r\nAuthorization: token {world.token}\r\nAccept-Encoding: gzip\r\n\r\n")
    assert ask(world, page(world, 1)).status == 200


def test_the_metrics_are_compressed_too(world):
    answer = request(world.server.ops, "GET", "/metrics", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip" and b"muster_build_info" in gzip.decompress(answer.body)


# --- what is always the same ------------------------------------------------------------------------------------

def openapi(world, method="GET", **headers):
    return ask(world, "/openapi.json?" + query(lang="en"), method, **headers)


def test_the_document_is_compressed_and_the_same(world):
    plain, packed = openapi(world), openapi(world, Accept_Encoding="gzip")
    assert gzip.decompress(packed.body) == plain.body and packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) / 8
    assert "Accept-Encoding" in plain.headers.get_all("Vary") and "Accept-Encoding" in packed.headers.get_all("Vary")


def test_the_document_has_a_tag_for_each_of_its_forms(world):
    tags = {ask(world, f"/openapi.json?lang={lang}", Accept_Encoding=coding).headers["ETag"]
            for lang in ("en", "zh") for coding in ("identity", "gzip")}
    assert len(tags) == 4 and all(tag.startswith('"') and tag.endswith('"') for tag in tags)


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_whoever_has_the_document_is_told_so(world, coding):
    got = openapi(world, Accept_Encoding=coding)
    for tag in (got.headers["ETag"], "W/" + got.headers["ETag"], f'"other", {got.headers["ETag"]}', "*"):
        for method in ("GET", "HEAD"):
            answer = openapi(world, method, Accept_Encoding=coding, If_None_Match=tag)
            assert (answer.status, answer.body) == (304, b"")
            assert answer.headers["ETag"] == got.headers["ETag"]
    other = openapi(world, Accept_Encoding="gzip" if coding == "identity" else "identity", If_None_Match=got.headers["ETag"])
    assert other.status == 200
    head = openapi(world, "HEAD", Accept_Encoding=coding)
    assert int(head.headers["Content-Length"]) == len(got.body) and head.headers["ETag"] == got.headers["ETag"]
