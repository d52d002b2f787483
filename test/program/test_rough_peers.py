"""Peers that go away at the worst moment, and those who mean no good. Run against a sanitized build these
find what a release build only shows by chance."""

import socket
import struct

from world import request

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
