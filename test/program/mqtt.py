"""A device's end of MQTT, to the byte: nothing is hidden, so that tests can send what is wrong."""

import socket
import struct

from server import ENOUGH_S


def text(s):
    data = s if isinstance(s, bytes) else s.encode()
    return struct.pack(">H", len(data)) + data


def varint(n):
    out = b""
    while True:
        n, low = divmod(n, 128)
        out += bytes([low | (0x80 if n else 0)])
        if not n:
            return out


def packet(first, body=b""):
    return bytes([first]) + varint(len(body)) + body


def connect_packet(did, passcode, level=3, client_id=None, keepalive=120, flags=None, will=None, properties=b"",
                   protocol=None):
    """will = (topic, payload, qos)"""
    if flags is None:
        flags = 0xC2
        if will:
            flags |= 0x04 | will[2] << 3
    body = text(protocol or ("MQIsdp" if level == 3 else "MQTT")) + bytes([level, flags]) + struct.pack(">H", keepalive)
    if level == 5:
        body += varint(len(properties)) + properties
    body += text(client_id if client_id is not None else did)
    if will:
        if level == 5:
            body += b"\0"
        body += text(will[0]) + text(will[1])
    body += text(did) + text(passcode)
    return packet(0x10, body)


class Closed(Exception):
    """The server ended the connection."""


class Device:
    def __init__(self, address, did, passcode, product_key, level=3, sock=None):
        self.did, self.passcode, self.product_key, self.level = did, passcode, product_key, level
        self.sock = sock or socket.create_connection(address)
        self.sock.settimeout(ENOUGH_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        self.next_id = 1

    # --- bytes ---
    def send(self, data):
        self.sock.sendall(data)

    def _fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Closed()
        self.pending += data

    def receive(self):
        """(first byte, body) of the next packet; raises Closed or TimeoutError."""
        while True:
            n, length, shift = 1, 0, 0
            while n < len(self.pending):
                length |= (self.pending[n] & 0x7F) << shift
                shift += 7
                n += 1
                if not self.pending[n - 1] & 0x80:
                    if len(self.pending) >= n + length:
                        first, body = self.pending[0], self.pending[n:n + length]
                        self.pending = self.pending[n + length:]
                        return first, body
                    break
            try:
                self._fill()
            except ConnectionResetError:
                raise Closed() from None

    def receive_kind(self, kind):
        """The next packet of that kind (its upper four bits); others on the way are dropped."""
        while True:
            first, body = self.receive()
            if first >> 4 == kind:
                return first, body

    def expect_closed(self):
        """Reads on until the server ends the connection."""
        try:
            while True:
                self.receive()
        except Closed:
            return

    def is_silent(self, seconds=0.3):
        self.sock.settimeout(seconds)
        try:
            self.receive()
            return False
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(ENOUGH_S)

    # --- packets ---
    def connect(self, **options):
        """The CONNACK's return code."""
        self.send(connect_packet(self.did, self.passcode, self.level, **options))
        first, body = self.receive()
        assert first == 0x20, (first, body)
        self.connack = body
        return body[1]

    def login(self, **options):
        assert self.connect(**options) == 0, self.connack
        return self

    def subscribe(self, topic, qos=0):
        """The granted QoS, or the failure code."""
        packet_id = struct.pack(">H", self.next_id)
        self.next_id += 1
        self.send(packet(0x82, packet_id + (b"\0" if self.level == 5 else b"") + text(topic) + bytes([qos])))
        first, body = self.receive_kind(9)
        assert body[:2] == packet_id
        return body[-1]

    def subscribe_as_firmware(self, qos=0):
        for topic in (f"ser2cli_noti/{self.product_key}", f"ser2cli_res/{self.did}", f"app2dev/{self.did}/#"):
            assert self.subscribe(topic, qos) == qos
        return self

    def publish_bytes(self, topic, payload, qos=0, packet_id=None, retain=0, dup=0):
        body = text(topic) + (struct.pack(">H", packet_id) if qos else b"") + (b"\0" if self.level == 5 else b"")
        return packet(0x30 | dup << 3 | qos << 1 | retain, body + payload)

    def report_bytes(self, payload, qos=0, packet_id=None):
        """A PUBLISH on the device's own topic: for several of them in one segment."""
        return self.publish_bytes(f"dev2app/{self.did}", payload, qos, packet_id)

    def publish(self, topic, payload, qos=0, packet_id=None, retain=0, dup=0):
        if qos and packet_id is None:
            packet_id = self.next_id
            self.next_id = self.next_id % 65535 + 1
        self.send(self.publish_bytes(topic, payload, qos, packet_id, retain, dup))
        return packet_id

    def report(self, payload, qos=0):
        """Publishes on the device's own topic; with QoS 1 waits for the PUBACK."""
        packet_id = self.publish(f"dev2app/{self.did}", payload, qos)
        if qos == 1:
            first, body = self.receive_kind(4)
            assert struct.unpack(">H", body[:2])[0] == packet_id
        return packet_id

    def receive_publish(self):
        """(topic, payload, packet id or None)"""
        first, body = self.receive_kind(3)
        n = struct.unpack(">H", body[:2])[0]
        topic, rest = body[2:2 + n].decode(), body[2 + n:]
        packet_id = None
        if first >> 1 & 3:
            packet_id, rest = struct.unpack(">H", rest[:2])[0], rest[2:]
        if self.level == 5:
            rest = rest[1 + rest[0]:]
        return topic, rest, packet_id

    def ping(self):
        self.send(b"\xc0\x00")
        first, body = self.receive_kind(13)
        assert body == b""

    def disconnect(self):
        self.send(b"\xe0\x00")
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Goes away with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def frame(cmd, p0=b"", sn=None):
    body = b"\0" + struct.pack(">H", cmd) + (struct.pack(">I", sn) if sn is not None else b"") + p0
    return b"\0\0\0\3" + varint(len(body)) + body
