"""Peers that go away at the worst moment, and those who mean no good. Run against a sanitized build these
find what a release build only shows by chance."""

import socket
import struct

from mqtt import frame
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
    assert request(server.http, "GET", "/healthz").status == 200
    assert "commit_failed" not in server.log_text()
