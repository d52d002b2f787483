"""Sessions: how they begin, end, are replaced and are accounted for."""

import re
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mqtt import Closed, Device, connect_packet, packet, text
from server import ENOUGH_S, wait_until
from world import REPORT, World, request


def online_log(world, did, count):
    log = wait_until(lambda: (a := world.get(f"devices/{did}/online", sort="asc", limit=1000).json)["meta"]["total"] >= count and a["objects"],
                     what=f"{count} records")
    assert len(log) == count, log
    return log


def end_of(world, did):
    log = online_log(world, did, 2)
    assert [record["type"] for record in log] == ["dev_online", "dev_offline"]
    return log[1]["payload"]


@pytest.mark.parametrize("level", [3, 4, 5])
def test_disconnect_ends_as_mqtt_disconnect(world, level):
    device = world.device(level=level)
    device.disconnect()
    assert end_of(world, device.did)["reason"] == "mqtt_disconnect"


def test_a_closed_connection_ends_as_tcp_closed(world):
    device = world.device(level=4)
    device.close()
    assert end_of(world, device.did)["reason"] == "tcp_closed"


def test_a_reset_connection_ends_as_tcp_closed(world):
    device = world.device(level=4)
    device.reset()
    assert end_of(world, device.did)["reason"] == "tcp_closed"


def test_silence_for_one_and_a_half_keepalives_ends_as_no_heartbeat(world):
    began = time.monotonic()
    device = world.device(level=4, keepalive=2)
    device.expect_closed()
    assert time.monotonic() - began > 2.8
    payload = end_of(world, device.did)
    assert payload["reason"] == "no_heartbeat" and payload["heartbeat"]["last"] >= 2


def test_any_packet_keeps_a_session_alive(world):
    device = world.device(level=4, keepalive=4)
    for _ in range(14):
        time.sleep(0.5)  # together longer than the six seconds of silence that would end it
        device.report(REPORT, qos=1)
    device.disconnect()
    assert end_of(world, device.did)["reason"] == "mqtt_disconnect"


def test_silence_without_a_keepalive_has_a_bound(make_server):
    world = World(make_server("--keepalive-max", "4"))

    def silence(level, keepalive):
        """How long it lasts, with the device's log. It begins with the last packet."""
        device = world.device(level=level, keepalive=keepalive)
        time.sleep(0.5)
        began = time.monotonic()
        device.ping()
        device.expect_closed()
        return time.monotonic() - began, online_log(world, device.did, 2)

    cases = [(level, keepalive) for level in (3, 4, 5) for keepalive in (0, 3600)]
    with ThreadPoolExecutor(len(cases)) as at_once:
        for (_, keepalive), (lasted, log) in zip(cases, at_once.map(silence, *zip(*cases))):
            assert lasted > 5.8
            assert log[0]["payload"] == {"keep_alive": keepalive + 5}, "as it was announced"
            assert log[1]["payload"]["reason"] == "no_heartbeat"


def server_keep_alive(device):
    at = device.connack.find(b"\x13")
    return struct.unpack(">H", device.connack[at + 1:at + 3])[0] if at >= 0 else None


@pytest.mark.parametrize("keepalive,told", [(0, 1800), (1801, 1800), (1800, None), (60, None)])
def test_a_5_0_client_is_told_the_keepalive_that_holds_for_it(world, keepalive, told):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 5).login(keepalive=keepalive)
    assert server_keep_alive(device) == told


def test_keepalive_0_is_not_dropped_before_the_bound(world):
    device = world.device(level=4, keepalive=0)
    time.sleep(2)
    device.ping()


def test_heartbeats_are_accounted_for(world):
    """Against what the device sees: it pings after its answer, so no interval is shorter than the pause before."""
    began = time.monotonic()
    device = world.device(level=4, keepalive=60)
    pauses = (0.1, 1.1, 2.1)
    for pause in pauses:
        time.sleep(pause)
        device.ping()
    time.sleep(1.1)
    device.disconnect()
    took = int(time.monotonic() - began)
    payload = end_of(world, device.did)
    beat = payload["heartbeat"]
    assert beat["count"] == 3 and 1 <= beat["min"] <= beat["avg"] <= beat["max"], beat
    assert 2 <= beat["max"] <= took and 1 <= beat["last"] <= took - 3 and beat["min"] + beat["max"] <= took, beat
    assert 4 <= payload["duration"] <= took + 1


def test_with_fewer_than_two_pings_there_are_no_intervals(world):
    device = world.device(level=4)
    device.ping()
    device.disconnect()
    beat = end_of(world, device.did)["heartbeat"]
    assert (beat["count"], beat["max"], beat["min"], beat["avg"]) == (1, 0, 0, 0)


@pytest.mark.parametrize("level", [3, 4, 5])
def test_a_second_login_ends_the_first_as_offline_force(world, level):
    first = world.device(level=level)
    second = Device(world.server.mqtt, first.did, first.passcode, world.product_key, level).login()
    if level == 5:
        first_byte, body = first.receive()
        assert first_byte == 0xE0 and body[0] == 0x8E  # DISCONNECT, session taken over
    first.expect_closed()
    log = online_log(world, first.did, 3)
    assert [(r["type"], r["payload"].get("reason")) for r in log] == [
        ("dev_online", None), ("dev_offline", "offline_force"), ("dev_re_online", None)]
    assert world.get("devices/search", is_online=1).json["meta"]["total"] == 1
    second.ping()


# --- CONNACK ---

def metric(world, name):
    page = request(world.server.ops, "GET", "/metrics").body.decode()
    return int(re.search(rf"^{name} (\d+)$", page, re.M).group(1))


def test_after_connack_every_call_says_online(make_server):
    world = World(make_server())
    known = [world.register(mac=f"m{i}") for i in range(200)]
    devices = []
    for i, (did, passcode) in enumerate(known):
        devices.append(Device(world.server.mqtt, did, passcode, world.product_key, 4).login())
        assert world.get("device_detail", mac=f"m{i}").json["is_online"] is True
        assert world.get("devices/search", is_online=1).json["meta"]["total"] == i + 1
        newest = world.get(f"devices/{did}/online", limit=1).json["objects"]
        assert [row["type"] for row in newest] == ["dev_online"]
        assert world.control(did, raw=[1]).error == (400, 5403), "online, and has not subscribed yet"
        assert world.get("devices/summary").json["online"] == i + 1
        assert metric(world, "muster_sessions") == i + 1


def test_the_newest_record_after_a_take_over_is_the_login(world):
    devices = [world.device(level=4)]
    for count in range(1, 201):
        devices.append(Device(world.server.mqtt, devices[0].did, devices[0].passcode, world.product_key, 4).login())
        page = world.get(f"devices/{devices[0].did}/online", limit=2).json
        assert page["meta"]["total"] == 1 + 2 * count
        assert [row["type"] for row in page["objects"]] == ["dev_re_online", "dev_offline"]
        assert page["objects"][1]["payload"]["reason"] == "offline_force"


@pytest.mark.parametrize("level", [3, 4, 5])
def test_what_is_sent_behind_connect_is_handled_after_connack(world, level):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, level)
    properties = b"\0" if level == 5 else b""
    subscribe = packet(0x82, b"\0\x09" + properties + text(f"app2dev/{did}/#") + b"\0")
    reports = [device.publish_bytes(f"dev2app/{did}", REPORT, qos=qos, packet_id=qos) for qos in (0, 1, 2)]
    device.send(connect_packet(did, passcode, level) + subscribe + b"".join(reports) + b"\xc0\0")
    kinds = [device.receive()[0] >> 4 for _ in range(5)]
    assert kinds[:2] == [2, 9] and kinds.index(4) < kinds.index(5) and 13 in kinds
    device.send(b"\xe0\0")
    device.expect_closed()
    assert end_of(world, did)["reason"] == "mqtt_disconnect"
    assert world.get(f"devices/{did}/data").json["meta"]["total"] == 3


def test_who_says_everything_at_once_and_closes_is_served(world):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 4)
    device.send(connect_packet(did, passcode, 4) + device.publish_bytes(f"dev2app/{did}", REPORT))
    device.sock.shutdown(socket.SHUT_WR)
    assert device.receive()[0] == 0x20
    device.expect_closed()
    assert end_of(world, did)["reason"] == "tcp_closed"
    assert world.get(f"devices/{did}/data").json["meta"]["total"] == 1


def test_who_does_not_wait_for_connack_leaves_a_login_and_its_end(world):
    known = [world.register() for _ in range(100)]
    for number, (did, passcode) in enumerate(known):
        device = Device(world.server.mqtt, did, passcode, world.product_key, 4)
        device.send(connect_packet(did, passcode, 4))
        device.reset() if number % 2 else device.close()
    for did, _ in known:
        assert end_of(world, did)["reason"] in ("tcp_closed", "offline_exception")
    assert world.get("devices/search", is_online=1).json["meta"]["total"] == 0


def test_the_second_session_receives_the_controls(world):
    first = world.device(level=4)
    second = world.device(level=4, registered=(first.did, first.passcode))
    assert world.control(first.did, raw=[1, 2, 3]).status == 200
    assert second.receive_publish()[1].hex() == "0000000306000090010203"


def test_many_take_overs_at_once_leave_one_session_and_a_consistent_log(world):
    """One whose place is taken before its CONNACK is refused."""
    did, passcode = world.register()
    answers = []

    def login():
        device = Device(world.server.mqtt, did, passcode, world.product_key, 4)
        answers.append(device.connect())
        device.expect_closed()

    threads = [threading.Thread(target=login) for _ in range(20)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(answers) == 20)
    last = Device(world.server.mqtt, did, passcode, world.product_key, 4).login()
    for thread in threads:
        thread.join(ENOUGH_S)
    assert set(answers) <= {0, 3} and 0 in answers
    log = world.get(f"devices/{did}/online", sort="asc", limit=100).json["objects"]
    assert [r["type"] for r in log] == ["dev_online"] + ["dev_offline", "dev_re_online"] * (len(log) // 2)
    assert answers.count(0) <= len(log) // 2 <= 20
    assert {r["payload"]["reason"] for r in log if r["type"] == "dev_offline"} == {"offline_force"}
    assert world.get("devices/search").json["objects"][0]["is_online"] is True
    last.disconnect()
    wait_until(lambda: world.get("devices/search").json["objects"][0]["is_online"] is False)


def test_messages_in_flight_at_a_take_over_are_kept_and_acknowledged(world):
    first = world.device(level=4)
    for _ in range(20):
        first.publish(f"dev2app/{first.did}", REPORT, qos=1)
    Device(world.server.mqtt, first.did, first.passcode, world.product_key, 4).login()
    acknowledged = 0
    try:
        while True:
            first.receive_kind(4)
            acknowledged += 1
    except Closed:
        pass
    assert world.get(f"devices/{first.did}/data").json["meta"]["total"] == acknowledged


def test_too_many_messages_end_as_density_overflow(world):
    device = world.device(level=4)
    device.send(device.report_bytes(REPORT) * 200)
    device.expect_closed()
    assert end_of(world, device.did)["reason"] == "offline_sending_density_overflow"
    assert 50 <= world.get(f"devices/{device.did}/data").json["meta"]["total"] < 80


def test_too_many_bytes_end_as_data_size_overflow(world):
    device = world.device(level=4)
    device.send(device.report_bytes(b"\0\0\0\3" + bytes(30000)) * 5)
    device.expect_closed()
    assert end_of(world, device.did)["reason"] == "offline_sending_data_size_overflow"


def test_the_limits_can_be_lifted(make_server):
    world = World(make_server("--device-messages", "0", "--device-bytes", "0"))
    device = world.device(level=4)
    for _ in range(500):
        device.publish(f"dev2app/{device.did}", REPORT)
    device.report(REPORT, qos=1)
    assert world.get(f"devices/{device.did}/data").json["meta"]["total"] == 501


def test_a_connection_that_does_not_log_in_is_dropped_after_ten_seconds(world):
    began = time.monotonic()
    with socket.create_connection(world.server.mqtt) as s:
        s.settimeout(ENOUGH_S)
        assert s.recv(1) == b""
        assert 9 < time.monotonic() - began < 100


@pytest.mark.parametrize("level,code", [(3, 4), (4, 4), (5, 0x86)])
def test_wrong_credentials_are_refused(world, level, code):
    did, _ = world.register()
    for wrong_did, passcode in ((did, "wrong"), ("x" * 22, "123456"), (did, "")):
        device = Device(world.server.mqtt, wrong_did, passcode, world.product_key, level)
        assert device.connect() == code
        device.expect_closed()
    assert world.get(f"devices/{did}/online").json["meta"]["total"] == 0


@pytest.mark.parametrize("level,code", [(3, 5), (4, 5), (5, 0x87)])
def test_a_disabled_device_may_not_log_in(world, shared_server, level, code):
    did, passcode = world.register(mac=f"disabled{level}")
    shared_server.apply({"devices": [{"product_key": world.product_key, "mac": f"disabled{level}", "is_disabled": True}]})
    assert Device(world.server.mqtt, did, passcode, world.product_key, level).connect() == code


def test_disabling_by_apply_ends_the_session(world, shared_server):
    device = world.device(mac="d1", level=4)
    shared_server.apply({"devices": [{"product_key": world.product_key, "mac": "d1", "is_disabled": True}]})
    device.expect_closed()
    assert end_of(world, device.did)["reason"] == "offline_reset"


def test_a_will_is_published_when_the_connection_breaks(world):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 4).login(will=(f"dev2app/{did}", REPORT, 1))
    device.reset()
    rows = wait_until(lambda: world.get(f"devices/{did}/data").json["objects"])
    assert rows[0]["attrs"]["set_temp"] == 16


def test_a_will_is_not_published_after_a_disconnect(world):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 4).login(will=(f"dev2app/{did}", REPORT, 0))
    device.disconnect()
    assert end_of(world, did)["reason"] == "mqtt_disconnect"
    assert world.get(f"devices/{did}/data").json["meta"]["total"] == 0


def test_a_will_on_a_foreign_topic_is_refused(world):
    did, passcode = world.register()
    other, _ = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 4)
    assert device.connect(will=(f"dev2app/{other}", REPORT, 0)) == 5


def test_keep_alive_is_told_with_five_seconds_more(world):
    device = world.device(level=4, keepalive=50)
    assert online_log(world, device.did, 1)[0]["payload"] == {"keep_alive": 55}


def test_activation_is_the_first_login(world):
    did, passcode = world.register()
    assert world.get("devices/search").json["objects"][0]["online_latest"] in (None, 0)
    device = Device(world.server.mqtt, did, passcode, world.product_key, 4).login()
    row = world.get("devices/search").json["objects"][0]
    device.ping()
    assert abs(row["online_latest"] - time.time()) < 30


def test_loopback_is_exempt_from_the_limit_per_address(make_server):
    world = World(make_server("--address-connections", "5"))
    did, passcode = world.register()
    for _ in range(20):
        Device(world.server.mqtt, did, passcode, world.product_key, 4).login().close()


def test_garbage_instead_of_connect_ends_the_connection(world):
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00", b"\x10\xff\xff\xff\xff\xff", b"\x30\x05\x00\x01ahi", b"\xff" * 100,
                    connect_packet("x" * 22, "p", level=9), connect_packet("x" * 22, "p", protocol="MQXX")):
        with socket.create_connection(world.server.mqtt) as s:
            s.settimeout(ENOUGH_S)
            s.sendall(garbage)
            answer = s.recv(100)
            assert answer == b"" or answer[0] == 0x20 and answer[3] != 0
            if answer:
                assert s.recv(100) == b""


def test_half_a_packet_and_then_nothing_does_no_harm(world):
    device = world.device(level=4, keepalive=2)
    device.send(b"\x30\x7f" + struct.pack(">H", 20))
    device.expect_closed()
    assert end_of(world, device.did)["reason"] == "no_heartbeat"
