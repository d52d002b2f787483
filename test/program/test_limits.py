"""The limits that an operator sets for connections, packets and source addresses."""

import contextlib
import socket
import struct

from mqtt import Closed, Device, packet, text
from rawhttp import Connection
from neighbour import neighbour  # noqa: F401
from server import ENOUGH_S, wait_until
from world import REPORT, World, device_request

LARGEST_PACKET = 1 << 20


# --- connections ---

def is_refused(address):
    """The connection is closed before a byte."""
    with socket.create_connection(address) as s:
        s.settimeout(ENOUGH_S)
        try:
            return s.recv(1) == b""
        except ConnectionResetError:
            return True


def refusals(server, limit):
    return [line for line in server.log_text().splitlines() if "connection_refused" in line and f"limit={limit}" in line]


def test_a_connection_beyond_the_most_is_closed(make_server):
    server = make_server("--mqtt-connections-max", "2")
    world = World(server)
    devices = [world.device(level=4) for _ in range(2)]
    assert is_refused(server.mqtt)
    wait_until(lambda: len(refusals(server, "connections")) == 1, what="a line of the log")
    for device in devices:
        device.report(REPORT, qos=1)

    devices.pop().close()
    did, passcode = world.register()
    wait_until(lambda: not server_is_full(server, world, did, passcode), what="room for another connection")


def test_as_many_http_connections_are_admitted_as_the_setting_says(make_server):
    """However the kernel deals them out to the loops."""
    server = make_server("--http-connections-max", "9", "--threads", "8")
    with contextlib.ExitStack() as stack:
        def status():
            return stack.enter_context(Connection(server.http)).send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").answer().status
        assert [status() for _ in range(12)] == [200] * 9 + [503] * 3
    with Connection(server.http) as c:
        wait_until(lambda: c.is_open(0.1), what="room")


def server_is_full(server, world, did, passcode):
    try:
        Device(server.mqtt, did, passcode, world.product_key, level=4).login().close()
        return False
    except (Closed, BrokenPipeError, ConnectionResetError):
        return True


# --- packets ---

def report_of(device, size, packet_id=1):
    """A QoS 1 PUBLISH of that many bytes in all."""
    start = text(f"dev2app/{device.did}") + struct.pack(">H", packet_id) + (b"\0" if device.level == 5 else b"")
    head = 1
    while len(packet(0x32, start + bytes(size - head - len(start)))) > size:
        head += 1
    return packet(0x32, start + bytes(size - head - len(start)))


def stored(world, device):
    return world.get(f"devices/{device.did}/cmd").json["meta"]["total"]


def largest_packet_told(device):
    """From the properties of a CONNACK of 5.0."""
    at = device.connack.index(b"\x27")
    return struct.unpack(">I", device.connack[at + 1:at + 5])[0]


def test_a_packet_above_the_set_size_ends_the_connection(make_server):
    world = World(make_server("--mqtt-packet-max", "2048"))
    device = world.device(level=5)
    assert largest_packet_told(device) == 2048
    device.send(report_of(device, 2048))
    assert device.receive()[0] == 0x40
    device.send(report_of(device, 2049))
    assert device.receive() == (0xE0, b"\x95")
    device.expect_closed()
    assert stored(world, device) == 1


def test_the_largest_packet_that_can_be_set_is_kept(make_server):
    world = World(make_server("--mqtt-packet-max", str(LARGEST_PACKET), "--device-bytes", "0"))
    device, other = world.device(level=5), world.device(level=4)
    assert largest_packet_told(device) == LARGEST_PACKET
    device.send(report_of(device, LARGEST_PACKET))
    other.report(REPORT, qos=1)
    assert device.receive()[0] == 0x40
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        device.send(report_of(device, 17 << 20))
    other.report(REPORT, qos=1)
    with contextlib.suppress(ConnectionResetError):
        device.expect_closed()
    assert stored(world, device) == 1
    assert "commit_failed" not in world.server.log_text()


# --- source addresses ---

def test_connections_per_source_address_are_limited(make_server, neighbour):
    server = make_server("--mqtt", f"{neighbour.here}:0", "--address-connections", "3")
    world = World(server)
    registered = world.register()
    with neighbour.at_work():
        for _ in range(3):
            Device(server.mqtt, *registered, world.product_key, level=4).login().disconnect()
        assert is_refused(server.mqtt)
        assert is_refused(server.mqtt)
    wait_until(lambda: len(refusals(server, "address")) == 2, what="two lines of the log")
    lines = refusals(server, "address")
    assert all(f"peer={neighbour.there} " in line for line in lines), lines
    world.device(level=4).report(REPORT, qos=1)  # from another address


def test_registrations_per_source_address_are_limited(make_server, neighbour):
    server = make_server("--http", f"{neighbour.here}:0", "--address-registrations", "2")
    world = World(server)

    def register(mac):
        return device_request(server.http, "POST", "/dev/devices",
                              f"passcode=1&mac={mac}&product_key={world.product_key}")[0]

    with neighbour.at_work():
        assert [register(f"far{n}") for n in range(4)] == [201, 201, 429, 429]
    assert register("near") == 201
    assert world.get("devices/search").json["meta"]["total"] == 3


def test_behind_a_trusted_proxy_registrations_are_limited_by_the_client(make_server):
    server = make_server("--address-registrations", "2", "--trusted-proxies", "127.0.0.0/8")
    world = World(server)

    def register(mac, client):
        return device_request(server.http, "POST", "/dev/devices", f"passcode=1&mac={mac}&product_key={world.product_key}",
                              f"X-Forwarded-For: 203.0.113.9, {client}\r\n")[0]

    assert [register(f"one{n}", "198.51.100.1") for n in range(3)] == [201, 201, 429]
    assert [register(f"two{n}", "198.51.100.2") for n in range(3)] == [201, 201, 429]
    assert world.get("devices/search").json["meta"]["total"] == 4
