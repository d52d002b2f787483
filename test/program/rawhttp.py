"""HTTP to the byte: requests as they are written here, answers one by one from the same connection."""

import http.client
import io
import socket

from server import ENOUGH_S
from world import Answer


class Closed(Exception):
    """The server ended the connection."""


class _Head:
    def __init__(self, status, headers):
        self.status, self.headers = status, headers


class Connection:
    def __init__(self, address, sock=None):
        self.sock = sock or socket.create_connection(address)
        self.sock.settimeout(ENOUGH_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def _fill(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed(self.pending)
        self.pending += data

    def answer(self, head=False):
        """The next answer. head: it answers a HEAD and so has no body."""
        while b"\r\n\r\n" not in self.pending:
            self._fill()
        text, _, self.pending = self.pending.partition(b"\r\n\r\n")
        line, _, fields = text.partition(b"\r\n")
        version, status = line.split(b" ", 2)[:2]
        assert version == b"HTTP/1.1", line
        headers = http.client.parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
        assert "Transfer-Encoding" not in headers
        length = 0 if head or int(status) < 200 or int(status) in (204, 304) else int(headers["Content-Length"])
        while len(self.pending) < length:
            self._fill()
        body, self.pending = self.pending[:length], self.pending[length:]
        return Answer(_Head(int(status), headers), body)

    def expect_closed(self):
        """Nothing more comes, and the connection ends."""
        try:
            while not self.pending:
                self._fill()
        except Closed:
            return
        raise AssertionError(f"instead of the end came {self.pending!r}")

    def is_open(self, seconds=0.3):
        self.sock.settimeout(seconds)
        try:
            self._fill()
            return True
        except TimeoutError:
            return True
        except Closed:
            return False
        finally:
            self.sock.settimeout(ENOUGH_S)
