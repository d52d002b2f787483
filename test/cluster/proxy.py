"""Something between a node and PostgreSQL that reads what they say, and disturbs it."""

import collections
import contextlib
import os
import socket
import struct
import threading
import time

NOTIFICATION, PARSE, BIND, COPY_DATA, SYNC = b"A", b"P", b"B", b"d", b"S"


class Wire:
    """One connection of a node."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.statements, self.writes = {}, False
        self.deaf = False  # nothing comes back to the node any more
        self.mute = False  # nothing comes from it any more
        self.in_registry = False  # it has asked for the lock of those who write there

    def close(self):
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def is_commit(self, kind, body):
        """Whether this message begins the COMMIT of a transaction that writes."""
        if kind == PARSE:
            name, text, _ = body.split(b"\0", 2)
            self.statements[name] = text
        if kind != BIND:
            return False
        _, name, _ = body.split(b"\0", 2)
        text = self.statements.get(name, b"")
        self.in_registry |= b"muster.registry" in text
        if text.startswith(b"BEGIN"):
            self.writes, self.in_registry = b"READ ONLY" not in text, False
        return text == b"COMMIT" and self.writes


class Proxy:
    """Accepts connections on a free port, and passes them on to the socket of a PostgreSQL."""

    def __init__(self, directory):
        self.path = os.path.join(directory, ".s.PGSQL.5432")
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.drop_notifications, self.dropped = False, 0
        self.cuts, self.lock = collections.deque(), threading.Lock()  # "before" or "after", one for each COMMIT to come
        self.commits = threading.Event()  # cleared: a COMMIT waits until it is set
        self.commits.set()
        self.waiting = threading.Event()  # one does so
        # In the middle of a COPY, or of a write to the registry, nothing is passed on any more, as if the node stood still.
        self.mute_copies = self.mute_writes = False
        self.muted = threading.Event()  # that has happened
        threading.Thread(target=self._accept, daemon=True).start()

    def uri(self, database):
        return (f"postgresql://muster@127.0.0.1:{self.listener.getsockname()[1]}/{database}"
                "?sslmode=disable&gssencmode=disable")

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.path)
            except OSError:
                client.close()
                server.close()
                continue
            wire = Wire(client, server)
            for pump in (self._from_node, self._from_server):
                threading.Thread(target=self._run, args=(pump, wire), daemon=True).start()

    def _run(self, pump, wire):
        with contextlib.suppress(OSError):
            pump(wire)
        wire.close()

    def _from_node(self, wire):
        pending = self._messages(wire.client)
        length, = struct.unpack(">I", pending.take(4))  # of the first one, which has no kind
        wire.server.sendall(struct.pack(">I", length) + pending.take(length - 4))
        while True:
            kind, body = pending.take_message()
            cut = None
            if wire.is_commit(kind, body):
                if not self.commits.is_set():
                    self.waiting.set()
                    self.commits.wait()
                with self.lock:
                    cut = self.cuts.popleft() if self.cuts else None
            if cut == "before":
                return
            wire.mute |= self.mute_copies and kind == COPY_DATA
            wire.mute |= self.mute_writes and kind == SYNC and wire.in_registry
            if wire.mute:
                self.muted.set()
                continue
            wire.deaf |= cut == "after"
            wire.server.sendall(kind + struct.pack(">I", len(body) + 4) + body)
            if wire.deaf and kind == SYNC:
                time.sleep(0.02)  # most of the time it is committed by then
                return

    def _from_server(self, wire):
        pending = self._messages(wire.server)
        while True:
            kind, body = pending.take_message()
            drops = self.drop_notifications and kind == NOTIFICATION
            self.dropped += drops
            if not wire.deaf and not drops:
                wire.client.sendall(kind + struct.pack(">I", len(body) + 4) + body)

    class _messages:
        def __init__(self, sock):
            self.sock, self.bytes = sock, b""

        def take(self, count):
            while len(self.bytes) < count:
                more = self.sock.recv(65536)
                if not more:
                    raise OSError("closed")
                self.bytes += more
            taken, self.bytes = self.bytes[:count], self.bytes[count:]
            return taken

        def take_message(self):
            head = self.take(5)
            return head[:1], self.take(struct.unpack(">I", head[1:])[0] - 4)
