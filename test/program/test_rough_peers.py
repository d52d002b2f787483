"""Peers that go away at the worst moment, and those who mean no good. Run against a sanitized build these
find what a release build only shows by chance."""

import re
import select
import socket
import struct

from mqtt import Device, frame
from rawhttp import Connection
from server import wait_until
from world import World, request

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def send_and_reset(address, data):
    """A reset follows the data at once: the server is at work on it when it arrives."""
    with socket.create_connection(address) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.sendall(data)


def test_a_reset_while_a_worker_has_a_pipelined_request(world):
    """The answers before it cannot be written any more; the request is the worker's until it comes back."""
    for i in range(100):
        form = f"passcode=1&mac=reset{i}&product_key={world.product_key}"
        register = f"POST /dev/devices HTTP/1.1\r\nHost: x\r\nContent-Length: {len(form)}\r\n\r\n{form}"
        send_and_reset(world.server.http, HEALTH * 40 + register.encode())
    assert request(world.server.http, "GET", "/healthz").status == 200


def is_healthy(server):
    try:
        return request(server.http, "GET", "/healthz").status == 200
    except ConnectionError:
        return False


def test_a_flood_of_connections_leaves_the_journal_its_descriptors(make_server):
    """What is written meanwhile fills more than one file."""
    server = make_server("--device-messages", "0", "--device-bytes", "0", wrapper=["prlimit", "--nofile=100:100"])
    device = World(server).device(level=4)
    flood = [socket.create_connection(server.http) for _ in range(120)]
    for _ in range(75):
        for _ in range(20):
            device.publish(f"dev2app/{device.did}", frame(0x0091, b"\x06" + bytes(60000)), qos=1)
        for _ in range(20):
            device.receive_kind(4)
    for connection in flood:
        connection.close()
    wait_until(lambda: is_healthy(server))  # the flood's ends reach the server one by one
    assert "commit_failed" not in server.log_text()


def test_bodies_that_never_end_are_kept_up_to_a_limit_and_nobody_else_pays(make_server):
    server = make_server("--threads", "1")
    world = World(server)
    mib = 1024 * 1024
    head = f"POST /dev/devices HTTP/1.1\r\nHost: x\r\nContent-Length: {mib}\r\n\r\n".encode()
    strangers = []
    for _ in range(260):
        stranger = Connection(server.http)
        strangers.append(stranger)
        try:
            stranger.send(head + bytes(mib - 1))
        except ConnectionError:
            pass
        if len(strangers) == 1:  # it is to be the one that has stalled longest
            wait_until(lambda: held_bytes(server) == mib - 1)
    answered = wait_until(lambda: select.select([stranger.sock for stranger in strangers], [], [], 0)[0])
    assert strangers[0].sock in answered
    strangers[0].expect_closed()
    world.register()
    assert request(server.http, "POST", "/dev/devices", bytes(mib)).status == 400  # it is complete, and wrong
    for stranger in strangers:
        stranger.close()


def held_bytes(server):
    return int(re.search(r"^muster_http_held_bytes (\d+)$", request(server.ops, "GET", "/metrics").body.decode(), re.M)[1])


def resident_kib(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


def test_strangers_that_never_read_cost_nothing_and_nobody_elses_answer_is_cut(make_server):
    server = make_server("--threads", "1")
    world = World(server)
    world.import_devices(*({"mac": f"{n:012x}"} for n in range(1000)))
    whole = world.get("devices/search", limit=1000).body
    before = resident_kib(server)
    strangers = []
    for number in range(500):
        path = "/openapi.json" if number % 2 else "/docs/swagger-ui-bundle.js"
        strangers.append(socket.create_connection(server.http))
        strangers[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        strangers[-1].sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 3)
    for _ in range(5):
        assert world.get("devices/search", limit=1000).body == whole
    assert held_bytes(server) == 0
    assert resident_kib(server) - before < 32 * 1024
    for stranger in strangers:
        stranger.close()


def test_a_stranger_that_takes_nothing_is_ended_and_that_is_told(make_server):
    server = make_server("--http-idle-timeout", "1")
    with socket.create_connection(server.http) as stranger:
        stranger.sendall(b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
        wait_until(lambda: "event=http_peer_ended peer=127.0.0.1 reason=too_slow" in server.log_text())
    page = request(server.ops, "GET", "/metrics").body.decode()
    assert 'muster_http_ended_peers_total{cause="too_slow"} 1\n' in page


def test_a_passcode_in_the_place_of_the_did_is_not_logged(make_server):
    server = make_server("--log-level", "debug")
    world = World(server)
    did, passcode = world.register(passcode="pass-of-the-wrong-field")
    assert Device(server.mqtt, passcode, did, world.product_key, level=4).connect() == 4
    wait_until(lambda: "login_refused" in server.log_text())
    assert passcode not in server.log_text()
