"""MQTT as the three specifications say: topics, qualities of service, malformed packets."""

import random
import struct

import pytest

from mqtt import Closed, Device, connect_packet, packet, text, varint
from test_metrics import read
from world import REPORT, World, hex_id


def stored(world, did):
    return world.get(f"devices/{did}/cmd").json["meta"]["total"]


# --- CONNACK ---

def test_session_present_is_never_set(world):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 4).login(flags=0xC0)  # clean session 0
    assert device.connack[0] == 0


def properties_of(connack):
    kinds = {0x11: 4, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1, 0x13: 2}
    length, at = connack[2], 3
    assert length + 3 == len(connack)
    found = {}
    while at < len(connack):
        name = connack[at]
        if name in kinds:
            found[name] = int.from_bytes(connack[at + 1:at + 1 + kinds[name]], "big")
            at += 1 + kinds[name]
        else:
            n = struct.unpack(">H", connack[at + 1:at + 3])[0]
            found[name] = connack[at + 3:at + 3 + n].decode()
            at += 3 + n
    return found


def test_a_5_0_connack_tells_what_is_not_offered(world):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 5).login()
    found = properties_of(device.connack)
    assert found[0x25] == 0, "retain available"
    assert found.get(0x11, 0) == 0, "session expiry interval"
    assert found[0x2A] == 0 and found[0x29] == 0, "shared subscriptions, subscription identifiers"
    assert found[0x27] == 65536, "maximum packet size"


def test_an_empty_client_id_gets_one_in_5_0(world):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 5).login(client_id="")
    assert properties_of(device.connack)[0x12]


def test_an_unknown_protocol_level_is_refused(world):
    did, passcode = world.register()
    for level, code in ((6, 1), (2, 1)):
        device = Device(world.server.mqtt, did, passcode, world.product_key, 4)
        device.send(connect_packet(did, passcode, level=level, protocol="MQTT"))
        first, body = device.receive()
        assert first == 0x20 and body[1] in (code, 0x84)
        device.expect_closed()


# --- topics ---

@pytest.mark.parametrize("topic", ["ser2cli_noti/{other_pk}", "ser2cli_res/{other}", "app2dev/{other}/#", "#", "+/+",
                                   "app2dev/#", "app2dev/+/#", "dev2app/{did}", "$SYS/#", "app2dev/{did}x/#", "app2dev"])
def test_a_foreign_topic_cannot_be_subscribed(world, topic):
    other, _ = world.register()
    for level in (3, 4, 5):
        did, passcode = world.register()
        device = Device(world.server.mqtt, did, passcode, world.product_key, level).login()
        name = topic.format(other=other, did=did, other_pk=hex_id())
        if level == 3:
            with pytest.raises(Closed):
                device.subscribe(name)
        else:
            assert device.subscribe(name) == {4: 0x80, 5: 0x87}[level]
            device.ping()


@pytest.mark.parametrize("topic", ["ser2cli_noti/{pk}", "ser2cli_res/{did}", "app2dev/{did}/#", "app2dev/{did}/+", "app2dev/{did}/x"])
def test_its_own_topics_can_be_subscribed(world, topic):
    for level in (3, 4, 5):
        did, passcode = world.register()
        device = Device(world.server.mqtt, did, passcode, world.product_key, level).login()
        for qos, granted in ((0, 0), (1, 1), (2, 1)):
            assert device.subscribe(topic.format(did=did, pk=world.product_key), qos) == granted


@pytest.mark.parametrize("topic", ["dev2app/{other}", "dev2app/{other}/{did}", "app2dev/{other}/x", "llm/{other}/config/request", "dev2app", "anything"])
@pytest.mark.parametrize("level", [3, 4, 5])
def test_a_publish_to_a_foreign_topic_ends_the_connection(world, topic, level):
    other, _ = world.register()
    device = world.device(level=level)
    device.publish(topic.format(other=other, did=device.did), REPORT, qos=1)
    with pytest.raises(Closed):
        while True:
            assert device.receive()[0] >> 4 != 4
    log = world.online_log_once_ended(device.did)
    assert log[0]["payload"]["reason"] == "offline_exception"
    assert stored(world, device.did) == stored(world, other) == 0


@pytest.mark.parametrize("topic", ["llm/{did}/config/request", "sys/{did}/log", "app2dev/{did}/x", "ser2cli_res/{did}"])
@pytest.mark.parametrize("level", [3, 4, 5])
def test_a_publish_to_an_unknown_topic_of_its_own_is_dropped_and_counted(world, topic, level):
    device = world.device(level=level)
    before = read(world.server).get("dropped_messages_total", cause="unknown_topic")
    name = topic.format(did=device.did)
    device.publish(name, REPORT)
    device.publish(name, REPORT, qos=1, packet_id=7)
    assert device.receive_kind(4)[1][:2] == b"\0\7"
    device.publish(name, REPORT, qos=2, packet_id=8)
    assert device.receive_kind(5)[1][:2] == b"\0\x08"
    device.send(packet(0x62, b"\0\x08"))
    assert device.receive_kind(7)[1][:2] == b"\0\x08"
    assert read(world.server).get("dropped_messages_total", cause="unknown_topic") == before + 3
    assert stored(world, device.did) == 0


@pytest.mark.parametrize("level", [3, 4, 5])
def test_an_unknown_topic_of_its_own_can_be_subscribed(world, level):
    device = world.device(level=level)
    assert device.subscribe(f"llm/{device.did}/config/response", 1) == 1


def test_an_ack_topic_is_kept_in_the_log(world):
    device = world.device(level=4)
    device.publish(f"dev2app/{device.did}/enterprise", bytes.fromhex("0000000307000094000000 07".replace(" ", "")), qos=1)
    device.receive_kind(4)
    assert stored(world, device.did) == 1


@pytest.mark.parametrize("level", [3, 4, 5])
def test_acknowledgements_come_in_the_order_of_the_messages(world, level):
    """Also of those that need not wait for the disk."""
    device = world.device(level=level)
    extra = b"\0" if level == 5 else b""
    segment = b""
    for packet_id in range(1, 41):
        topic = f"dev2app/{device.did}" if packet_id % 2 else "cli2ser_req"
        segment += packet(0x32, text(topic) + struct.pack(">H", packet_id) + extra + REPORT)
    device.send(segment)
    assert [device.receive()[1][:2] for _ in range(40)] == [struct.pack(">H", n) for n in range(1, 41)]


def test_the_number_of_app_clients_is_answered(world):
    device = world.device(level=3)
    for topic in ("cli2ser_req", "cli2ser"):
        device.publish(topic, bytes.fromhex("00000003020f"))
        assert device.receive_publish()[:2] == (f"ser2cli_res/{device.did}", bytes.fromhex("0000000302100000"))
    assert stored(world, device.did) == 0


def test_unsubscribing_stops_controls(world):
    device = world.device(level=4)
    device.send(packet(0xA2, b"\0\x63" + text(f"app2dev/{device.did}/#")))
    assert device.receive_kind(11)[1] == b"\0\x63"
    assert world.control(device.did, raw=[1]).error == (400, 5403)
    assert device.is_silent()


# --- quality of service ---

def test_qos_1_controls_carry_a_packet_id(world):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 4).login()
    assert device.subscribe(f"app2dev/{did}/#", 1) == 1
    ids = []
    for number in range(3):
        assert world.control(did, raw=[number]).status == 200
        ids.append(device.receive_publish()[2])
        device.send(packet(0x40, struct.pack(">H", ids[-1])))
    assert all(ids) and stored(world, did) == 3


def test_qos_2_is_stored_once_however_often_it_is_sent(world):
    device = world.device(level=4)
    for dup in (0, 1, 1):
        device.publish(f"dev2app/{device.did}", REPORT, qos=2, packet_id=77, dup=dup)
        assert device.receive_kind(5)[1][:2] == b"\0\x4d"
    for _ in range(2):
        device.send(packet(0x62, b"\0\x4d"))
        assert device.receive_kind(7)[1][:2] == b"\0\x4d"
    assert stored(world, device.did) == 1
    device.publish(f"dev2app/{device.did}", REPORT, qos=2, packet_id=77)
    device.receive_kind(5)
    assert stored(world, device.did) == 2


def test_acknowledgements_come_in_order(make_server):
    world = World(make_server("--device-messages", "0"))
    device = world.device(level=4)
    sent = [device.publish(f"dev2app/{device.did}", REPORT, qos=1) for _ in range(300)]
    assert [struct.unpack(">H", device.receive_kind(4)[1][:2])[0] for _ in sent] == sent


def test_a_retained_report_is_an_ordinary_one(world):
    device = world.device(level=4)
    device.publish(f"dev2app/{device.did}", REPORT, qos=1, retain=1)
    device.receive_kind(4)
    assert stored(world, device.did) == 1


def test_a_retained_report_is_refused_in_5_0(world):
    device = world.device(level=5)
    device.publish(f"dev2app/{device.did}", REPORT, qos=1, retain=1)
    first, body = device.receive()
    assert first == 0xE0 and body[0] == 0x9A
    device.expect_closed()


# --- what is malformed ends the connection, never the server ---

def malformed(did):
    topic = text(f"dev2app/{did}")
    return {
        "qos 3": packet(0x36, topic + b"\0\1" + REPORT),
        "packet id 0": packet(0x32, topic + b"\0\0" + REPORT),
        "wildcard in a publish": packet(0x30, text(f"dev2app/{did}/#") + REPORT),
        "empty topic": packet(0x30, text("") + REPORT),
        "topic longer than the packet": packet(0x30, b"\xff\xff" + b"dev2app"),
        "no utf-8": packet(0x30, text(b"dev2app/\xff\xfe") + REPORT),
        "nul in a topic": packet(0x30, text("dev2app/\0") + REPORT),
        "second connect": connect_packet(did, "123456", 4),
        "reserved type 0": packet(0x00),
        "reserved type 15 in 3.1.1": packet(0xF0),
        "subscribe with wrong flags": packet(0x80, b"\0\1" + text(f"ser2cli_res/{did}") + b"\0"),
        "subscribe without a topic": packet(0x82, b"\0\1"),
        "subscribe with qos 3": packet(0x82, b"\0\1" + text(f"ser2cli_res/{did}") + b"\3"),
        "unsubscribe without a topic": packet(0xA2, b"\0\1"),
        "pingreq with a body": packet(0xC0, b"x"),
        "pingreq with flags": packet(0xC1),
        "disconnect with flags": packet(0xE1),
        "puback too short": packet(0x40, b"\0"),
        "a length of five bytes": b"\x30\xff\xff\xff\xff\x01",
        "connack from a client": packet(0x20, b"\0\0"),
        "a packet over the limit": b"\x30" + varint(70000),
    }


@pytest.mark.parametrize("name", malformed("x"))
def test_a_malformed_packet_ends_the_connection(world, name):
    device = world.device(level=4)
    device.send(malformed(device.did)[name])
    device.expect_closed()
    log = world.online_log_once_ended(device.did)
    assert log[0]["payload"]["reason"] == "offline_exception"
    assert stored(world, device.did) == 0


def test_5_0_says_why(world):
    device = world.device(level=5)
    device.send(packet(0x36, text(f"dev2app/{device.did}") + b"\0\1\0" + REPORT))
    first, body = device.receive()
    assert first == 0xE0 and body[0] == 0x81
    device.expect_closed()


@pytest.mark.parametrize("properties", [b"\x01\x02", b"\x7f", b"\x05\x11\x00\x00", b"\x04\x01\x00\x01\x00"])
def test_malformed_properties_end_the_connection(world, properties):
    device = world.device(level=5)
    device.send(packet(0x30, text(f"dev2app/{device.did}") + properties + REPORT))
    first, body = device.receive()
    assert first == 0xE0 and body[0] in (0x81, 0x82, 0x94)
    device.expect_closed()


@pytest.mark.parametrize("payload", [
    b"", b"\0", REPORT[:-1], REPORT + b"\0", b"\0\0\0\4" + REPORT[4:], b"\0\0\0\3\x80\x80\x80\x80\x01" + REPORT[5:],
    REPORT[:9] + b"\x7c" + REPORT[10:],  # an enum's index out of range
    b"\xff" * 500,
])
def test_a_bad_frame_is_kept_as_it_came_and_the_session_goes_on(world, payload):
    device = world.device(level=4)
    device.report(payload, qos=1)
    log = world.get(f"devices/{device.did}/cmd").json["objects"]
    assert [(entry["type"], entry["payload"]) for entry in log] == [("dev2app", payload.hex())]
    assert world.get(f"devices/{device.did}/data").json["meta"]["total"] == 0
    device.report(REPORT, qos=1)
    assert world.get(f"devices/{device.did}/data").json["meta"]["total"] == 1


def test_random_bytes_after_login_never_hurt_the_server(world):

    chance = random.Random(7)
    for number in range(60):
        device = world.device(level=chance.choice([3, 4, 5]))
        valid = bytearray(packet(0x32, text(f"dev2app/{device.did}") + b"\0\1" + (b"\0" if device.level == 5 else b"") + REPORT))
        for _ in range(chance.randrange(1, 6)):
            valid[chance.randrange(len(valid))] = chance.randrange(256)
        device.send(bytes(valid) + chance.randbytes(chance.randrange(40)))
        device.close()
    world.device(level=4).ping()
