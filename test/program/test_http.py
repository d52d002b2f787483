"""HTTP/1.1 to the byte: what is understood, what is refused, and when a connection ends."""

import json
import socket
import struct
import time

import pytest

from rawhttp import Connection
from server import ENOUGH_S, wait_until
from world import REPORT, World, request

KIB = 1024
HEALTH = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def connection(shared_server):
    with Connection(shared_server.http) as c:
        yield c


def is_healthy(answer):
    return answer.status == 200 and answer.json == {"status": "ok"}


def assert_refused(connection, status):
    """An error with its body; then the connection ends."""
    answer = connection.answer()
    assert answer.error == (status, status)
    assert answer.headers["Connection"] == "close"
    connection.expect_closed()


# --- several requests on a connection -----------------------------------------------------------------------

def test_a_connection_lives_on(connection):
    for _ in range(3):
        answer = connection.send(HEALTH).answer()
        assert is_healthy(answer) and answer.headers.get("Connection", "").lower() != "close"


def test_pipelined_requests_are_answered_in_order(world):
    device = world.device(mac="m", level=4)
    device.report(REPORT, qos=1)
    slow, deferred = f"devices/{device.did}/data", f"devices/{device.did}/control"
    body = json.dumps({"raw": [1]})
    targets = [("GET", "datapoint", ""), ("GET", slow, ""), ("GET", "nothing", ""), ("POST", deferred, body),
               ("GET", "devices?mac=m", ""), ("GET", slow, ""), ("GET", "devices?mac=n", ""), ("GET", "datapoint", "")] * 5
    with Connection(world.server.http) as c:
        c.send("".join(f"{method} {world.path(path)} HTTP/1.1\r\nHost: x\r\nAuthorization: token {world.token}\r\n"
                       f"Content-Length: {len(body)}\r\n\r\n{body}" for method, path, body in targets))
        answers = [c.answer() for _ in targets]
    assert [a.status for a in answers] == [200, 200, 404, 200, 200, 200, 404, 200] * 5
    kinds = [set(a.json) for a in answers[:8]]
    assert kinds[1] == {"meta", "objects"} and kinds[3] == set() and kinds[4] == {"did", "passcode"}
    assert "entities" in kinds[0] and "entities" in kinds[7]


def test_any_number_of_requests_may_wait_for_their_turn(connection):
    connection.send(HEALTH * 500)
    assert all(is_healthy(connection.answer()) for _ in range(500))


def test_requests_may_come_byte_by_byte(connection):
    for byte in HEALTH * 2:
        connection.send(byte)
    assert is_healthy(connection.answer()) and is_healthy(connection.answer())


def test_connection_close_is_honoured(connection):
    answer = connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").answer()
    assert is_healthy(answer) and answer.headers["Connection"] == "close"
    connection.expect_closed()


def test_what_comes_after_a_close_is_not_answered(connection):
    connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n" + HEALTH)
    assert is_healthy(connection.answer())
    connection.expect_closed()


def test_http_1_0_is_answered_and_closed(connection):
    assert is_healthy(connection.send("GET /healthz HTTP/1.0\r\n\r\n").answer())
    connection.expect_closed()


def test_http_1_0_may_ask_to_live_on(connection):
    for _ in range(2):
        answer = connection.send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").answer()
        assert is_healthy(answer) and answer.headers["Connection"].lower() == "keep-alive"


def test_a_caller_that_sends_no_more_still_gets_its_answers(connection):
    connection.send(HEALTH * 3)
    connection.sock.shutdown(socket.SHUT_WR)
    assert all(is_healthy(connection.answer()) for _ in range(3))
    connection.expect_closed()


def test_callers_that_go_away_meanwhile_do_no_harm(world):
    device = world.device(mac="m", level=4)
    device.report(REPORT, qos=1)
    head = f"HTTP/1.1\r\nHost: x\r\nAuthorization: token {world.token}\r\n"
    body = json.dumps({"raw": [1]})
    requests = (f"GET {world.path('devices/search', limit=1000)} {head}\r\n"
                f"GET {world.path(f'devices/{device.did}/data')} {head}\r\n"
                f"POST {world.path(f'devices/{device.did}/control')} {head}Content-Length: {len(body)}\r\n\r\n{body}") * 5
    for number in range(60):
        c = Connection(world.server.http).send(requests)
        if number % 3:
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if number % 2:
            c.answer()
        c.close()
    with Connection(world.server.http) as c:
        assert is_healthy(c.send(HEALTH).answer())


def test_an_answer_has_a_date_and_a_length(connection):
    headers = connection.send(HEALTH).answer().headers
    assert headers["Date"].endswith(" GMT") and headers["Content-Length"]


@pytest.mark.parametrize("head", [
    "GET http://x/healthz HTTP/1.1\r\nHost: x", "GET /healthz HTTP/1.1\r\nhost:x",
    "GET /healthz?a=b&c HTTP/1.1\r\nHOST: \tx \t", "GET /healthz/ HTTP/1.1\r\nHost: [::1]:80",
    "GET /%68ealthz HTTP/1.1\r\nHost: x", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Empty:",
    "GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: upgrade",
])
def test_unusual_but_right_requests_are_understood(connection, head):
    assert is_healthy(connection.send(head + "\r\n\r\n").answer())


def test_blank_lines_before_a_request_do_no_harm(connection):
    assert is_healthy(connection.send(HEALTH + "\r\n" + HEALTH).answer())
    assert is_healthy(connection.answer())


# --- bodies -------------------------------------------------------------------------------------------------------

def token_head(world, *lines):
    return "\r\n".join([f"POST {world.path('access_token')} HTTP/1.1", "Host: x", *lines, "", ""])


def token_body(world):
    return json.dumps({"enterprise_id": world.enterprise_id, "enterprise_secret": world.enterprise_secret,
                       "product_secret": world.product_secret})


def chunked(*chunks, trailer=""):
    return "".join(f"{len(chunk):x}\r\n{chunk}\r\n" for chunk in chunks) + f"0\r\n{trailer}\r\n"


def test_chunks_are_joined(world, connection):
    body = token_body(world)
    connection.send(token_head(world, "Transfer-Encoding: chunked") + chunked(*body) + HEALTH)
    assert connection.answer().status == 201
    assert is_healthy(connection.answer())


def test_a_coding_is_named_in_any_case(world, connection):
    connection.send(token_head(world, "transfer-encoding:  Chunked ") + chunked(token_body(world)))
    assert connection.answer().status == 201


def test_chunks_may_have_extensions_and_trailers(world, connection):
    body = token_body(world)
    connection.send(token_head(world, "Transfer-Encoding: chunked")
                    + f"{len(body):X};flag;name=\"quoted value\"\r\n{body}\r\n0\r\nX-Trailer: 1\r\n\r\n" + HEALTH)
    assert connection.answer().status == 201
    assert is_healthy(connection.answer())


def test_a_trailer_is_no_header(world, connection):
    connection.send(f"GET {world.path('datapoint')} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + chunked("x", trailer=f"Authorization: token {world.token}\r\n"))
    assert connection.answer().error == (400, 5009)


def test_a_body_is_awaited_when_the_caller_does(world, connection):
    body = token_body(world)
    connection.send(token_head(world, f"Content-Length: {len(body)}", "Expect: 100-continue"))
    assert connection.answer().status == 100
    assert connection.send(body).answer().status == 201
    assert is_healthy(connection.send(HEALTH).answer())


def test_a_body_that_comes_unawaited_is_read_as_well(world, connection):
    body = token_body(world)
    connection.send(token_head(world, f"Content-Length: {len(body)}", "Expect: 100-Continue") + body)
    answer = connection.answer()
    assert (connection.answer() if answer.status == 100 else answer).status == 201


def test_another_expectation_is_417(world, connection):
    answer = connection.send(token_head(world, "Content-Length: 5", "Expect: miracles")).answer()
    assert answer.error == (417, 417)
    connection.expect_closed()


def test_a_body_too_large_is_refused_before_it_is_sent(world, connection):
    connection.send(token_head(world, f"Content-Length: {KIB * KIB + 1}", "Expect: 100-continue"))
    assert_refused(connection, 413)


def padded(world, size):
    body = token_body(world)
    return body + " " * (size - len(body))


def test_a_body_of_one_mib_is_taken(world, connection):
    connection.send(token_head(world, f"Content-Length: {KIB * KIB}") + padded(world, KIB * KIB))
    assert connection.answer().status == 201
    connection.send(token_head(world, "Transfer-Encoding: chunked") + chunked(padded(world, KIB * KIB)))
    assert connection.answer().status == 201


@pytest.mark.parametrize("how", ["length", "chunks", "one chunk"])
def test_a_larger_body_is_413(world, connection, how):
    size = KIB * KIB + 1
    if how == "length":
        data = token_head(world, f"Content-Length: {size}") + padded(world, size)
    else:
        chunks = [padded(world, size)] if how == "one chunk" else [" " * 64 * KIB] * 17
        data = token_head(world, "Transfer-Encoding: chunked") + chunked(*chunks)
    try:
        connection.send(data)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it need not read on
    assert_refused(connection, 413)


@pytest.mark.parametrize("length", ["99999999999999999999", "18446744073709551617", "4294967296"])
def test_a_length_beyond_all_numbers_is_refused(world, connection, length):
    connection.send(token_head(world, f"Content-Length: {length}"))
    answer = connection.answer()
    assert answer.error in ((413, 413), (400, 400))
    connection.expect_closed()


# --- what is refused: two readers could understand it differently -----------------------------------------------------

LINE = "GET /healthz HTTP/1.1\r\n"

AMBIGUOUS = {
    "both a coding and a length": LINE + "Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a length and then a coding": LINE + "Host: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": LINE + "Host: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "two lengths in one line": LINE + "Host: x\r\nContent-Length: 5, 6\r\n\r\nhello!",
    "a signed length": LINE + "Host: x\r\nContent-Length: +5\r\n\r\nhello",
    "a negative length": LINE + "Host: x\r\nContent-Length: -5\r\n\r\nhello",
    "a length in hex": LINE + "Host: x\r\nContent-Length: 0x5\r\n\r\nhello",
    "a length with a blank": LINE + "Host: x\r\nContent-Length: 1 5\r\n\r\nhello",
    "an empty length": LINE + "Host: x\r\nContent-Length:\r\n\r\n",
    "a space before the colon": LINE + "Host : x\r\n\r\n",
    "a space before another colon": LINE + "Host: x\r\nContent-Length : 5\r\n\r\nhello",
    "a tab before the colon": LINE + "Host: x\r\nX-A\t: x\r\n\r\n",
    "an unknown coding": LINE + "Host: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    "an unknown coding before chunked": LINE + "Host: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding after chunked": LINE + "Host: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": LINE + "Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "nearly chunked": LINE + "Host: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "identity": LINE + "Host: x\r\nTransfer-Encoding: identity\r\n\r\n",
    "no host": LINE + "\r\n",
    "no host, but a header": LINE + "Accept: */*\r\n\r\n",
    "two hosts": LINE + "Host: x\r\nHost: y\r\n\r\n",
    "a folded line": LINE + "Host: x\r\nX-A: one\r\n two\r\n\r\n",
    "a folded first line": LINE + " Host: x\r\n\r\n",
    "bare line feeds": LINE.replace("\r", "") + "Host: x\n\n",
    "a bare carriage return": LINE + "Host: x\rX-A: y\r\n\r\n",
    "a nul in a value": LINE + "Host: x\r\nX-A: a\0b\r\n\r\n",
    "a nul in a name": LINE + "Host: x\r\nX\0A: b\r\n\r\n",
    "an empty name": LINE + "Host: x\r\n: b\r\n\r\n",
    "no colon": LINE + "Host: x\r\nnonsense\r\n\r\n",
    "a blank in a name": LINE + "Host: x\r\nX A: b\r\n\r\n",
    "a blank in the target": "GET /health z HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": "GET /healthz\r\nHost: x\r\n\r\n",
    "http 2": "GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n",
    "http 9": "GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    "a lower-case version": "GET /healthz http/1.1\r\nHost: x\r\n\r\n",
    "another protocol": "GET /healthz RTSP/1.0\r\nHost: x\r\n\r\n",
    "no method": " /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "no target": "GET  HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target that is no path": "GET healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "a connection preface of http/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a tls hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "random bytes": bytes(range(255, 0, -1)),
    "a chunk size that is none": LINE + "Host: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a negative chunk": LINE + "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    "a chunk with a prefix": LINE + "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    "an endless chunk size": LINE + "Host: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "a chunk longer than it says": LINE + "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
    "chunks with bare line feeds": LINE + "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_is_ambiguous_or_broken_is_400_and_the_end(connection, name):
    connection.send(AMBIGUOUS[name])
    if name == "an endless chunk size":
        assert connection.answer().status in (400, 413)
        connection.expect_closed()
    else:
        assert_refused(connection, 400)


@pytest.mark.parametrize("name", ["both a coding and a length", "two lengths", "a space before another colon", "no host"])
def test_a_smuggled_request_is_not_answered(connection, name):
    connection.send(AMBIGUOUS[name] + HEALTH * 3)
    assert_refused(connection, 400)


def test_what_came_before_a_broken_request_is_answered(connection):
    connection.send(HEALTH * 3 + AMBIGUOUS["no host"])
    assert all(is_healthy(connection.answer()) for _ in range(3))
    assert_refused(connection, 400)


def test_a_broken_request_has_a_request_id(connection):
    assert connection.send(AMBIGUOUS["no host"]).answer().headers["X-Request-Id"]


# --- limits ---------------------------------------------------------------------------------------------------------------

def test_a_head_of_nearly_16_kib_is_taken(connection):
    head = "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: "
    assert is_healthy(connection.send(head + "x" * (16 * KIB - len(head) - 100) + "\r\n\r\n").answer())


@pytest.mark.parametrize("head", [
    "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + "x" * 17 * KIB + "\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: x\r\n" + ("X-Long: " + "x" * 1000 + "\r\n") * 17 + "\r\n",
    "GET /healthz?" + "x" * 17 * KIB + " HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: x\r\n" + "X" * 17 * KIB + ": x\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: x\r\n" + "A:\r\n" * 4000 + "\r\n",
], ids=["a value", "all values", "the target", "a name", "many headers"])
def test_a_longer_head_is_431(connection, head):
    connection.send(head)
    assert_refused(connection, 431)


def test_endless_headers_are_cut_off(connection):
    connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\n")
    try:
        for _ in range(1000):
            connection.send("X-A: " + "x" * 200 + "\r\n")
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert_refused(connection, 431)


def test_trailers_are_limited_like_headers(connection):
    try:
        connection.send(LINE + "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + ("X-A: " + "x" * 1000 + "\r\n") * 40)
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert connection.answer().status in (400, 413, 431)
    connection.expect_closed()


def test_chunk_extensions_are_limited(connection):
    try:
        connection.send(LINE + "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" + "x" * 2 * KIB * KIB)
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert connection.answer().status in (400, 413, 431)
    connection.expect_closed()


def test_too_many_connections_are_told_to_come_later(make_server):
    server = make_server("--http-connections-max", "4", "--threads", "1")
    crowd = [Connection(server.http) for _ in range(20)]
    statuses = []
    for c in crowd:
        try:
            statuses.append(c.send(HEALTH).answer().status)
        except (BrokenPipeError, ConnectionResetError, OSError):
            statuses.append(503)
    assert statuses.count(200) in range(4, 8) and statuses.count(503) == 20 - statuses.count(200)
    for c in crowd:
        c.close()
    wait_until(lambda: request(server.http, "GET", "/healthz").status == 200, what="room for another")


# --- time --------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def hasty_server(make_shared_server):
    """Its head timeout is short, and yet ten times what a request takes on a busy machine."""
    return make_shared_server("--http-head-timeout", "3", "--http-idle-timeout", "9")


@pytest.fixture
def hasty(hasty_server):
    with Connection(hasty_server.http) as c:
        yield c


def test_half_a_head_is_408_after_its_time(hasty):
    began = time.monotonic()
    hasty.send("GET /healthz HTTP/1.1\r\nHost")
    assert_refused(hasty, 408)
    assert time.monotonic() - began > 2.8


def test_a_head_that_trickles_is_408_all_the_same(hasty):
    hasty.send("GET /healthz HTTP/1.1\r\nHost: x\r\n")
    began = time.monotonic()
    while hasty.is_open(0.1) and not hasty.pending:
        assert time.monotonic() - began < ENOUGH_S
        hasty.send("X: y\r\n")
    assert_refused(hasty, 408)


def test_the_time_of_a_head_begins_anew_with_each_request(hasty):
    for _ in range(8):
        time.sleep(0.4)  # together longer than a head may take
        assert is_healthy(hasty.send(HEALTH).answer())
    hasty.send("GET /heal")
    assert_refused(hasty, 408)


def test_an_idle_connection_lives_for_the_idle_time_and_ends_silently(hasty):
    assert is_healthy(hasty.send(HEALTH).answer())
    time.sleep(3.5)  # longer than a head may take
    began = time.monotonic()
    assert is_healthy(hasty.send(HEALTH).answer())
    hasty.expect_closed()
    assert time.monotonic() - began > 8.5


def test_a_connection_that_says_nothing_is_closed_without_an_answer(hasty):
    hasty.expect_closed()


@pytest.fixture
def hasty_world(hasty_server):
    """To be asked for before the connection, whose time begins with it."""
    return World(hasty_server)


def test_a_body_that_does_not_come_is_408(hasty_world, hasty):
    hasty.send(token_head(hasty_world, "Content-Length: 100") + "{")
    assert_refused(hasty, 408)


def test_a_slow_body_that_moves_is_read(hasty_world, hasty):
    body = token_body(hasty_world) + " " * 3 * KIB
    hasty.send(token_head(hasty_world, f"Content-Length: {len(body)}"))
    for part in (body[:2 * KIB], body[2 * KIB:]):
        time.sleep(5)  # together longer than a body may pause
        hasty.send(part)
    assert hasty.answer().status == 201
