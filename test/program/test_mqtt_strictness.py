"""What MQTT 3.1.1 and 5.0 call malformed or a protocol error ends the connection, in 5.0 with its reason."""

import struct

import pytest

from mqtt import Device, connect_packet, packet, text, varint
from server import wait_until
from world import REPORT, World

MALFORMED, PROTOCOL_ERROR = 0x81, 0x82
ID = b"\0\7"


def prop(name, value):
    return bytes([name]) + value


def props(*all_of_them):
    content = b"".join(all_of_them)
    return varint(len(content)) + content


NONE = props()
USER = prop(0x26, text("a") + text("b"))
UTF8_TEXTS = {"nul": b"a\0b", "a surrogate": b"a\xed\xa0\x80", "an overlong form": b"a\xc0\xaf", "beyond unicode": b"a\xf4\x90\x80\x80",
              "a lone byte": b"a\xff"}


def publish(did, properties=NONE, qos=1, topic=None, first=None):
    return packet(first or 0x30 | qos << 1, text(f"dev2app/{did}" if topic is None else topic) + (ID if qos else b"") + properties + REPORT)


def subscribe(topic, options=0, properties=NONE, first=0x82):
    return packet(first, ID + properties + text(topic) + bytes([options]))


def wrong_in_5_0(did):
    """name -> (packet, reason)"""
    own = f"app2dev/{did}/#"
    return {
        # filters
        "an empty filter": (subscribe(""), MALFORMED),
        "a wildcard that is no level": (subscribe("#abc"), MALFORMED),
        "a # before the end": (subscribe(f"app2dev/{did}/#/x"), MALFORMED),
        "an unsubscribed empty filter": (packet(0xA2, ID + NONE + text("")), MALFORMED),
        "an unsubscribed misplaced wildcard": (packet(0xA2, ID + NONE + text("a/b#")), MALFORMED),
        "a share without a name": (subscribe(f"$share//{own}"), MALFORMED),
        "a share without a filter": (subscribe("$share/name"), MALFORMED),
        "a share with an empty filter": (subscribe("$share/name/"), MALFORMED),
        "a share whose name has a wildcard": (subscribe(f"$share/na+me/{own}"), MALFORMED),
        "an unsubscribed share without a name": (packet(0xA2, ID + NONE + text(f"$share//{own}")), MALFORMED),
        "no local on a shared subscription": (subscribe(f"$share/name/{own}", 0x04), PROTOCOL_ERROR),
        "a right filter and a wrong one": (packet(0x82, ID + NONE + text(own) + b"\0" + text("#a") + b"\0"), MALFORMED),
        # options
        "qos 3 in a subscribe": (subscribe(own, 3), MALFORMED),
        "retain handling 3": (subscribe(own, 0x30), PROTOCOL_ERROR),
        "reserved options": (subscribe(own, 0x40), MALFORMED),
        "subscription identifier 0": (subscribe(own, properties=props(prop(0x0B, b"\0"))), PROTOCOL_ERROR),
        "two subscription identifiers": (subscribe(own, properties=props(prop(0x0B, b"\1") * 2)), PROTOCOL_ERROR),
        "a subscription identifier": (subscribe(own, properties=props(prop(0x0B, b"\1"))), 0xA1),
        # publish
        "a response topic with a wildcard": (publish(did, props(prop(0x08, text("a/+")))), PROTOCOL_ERROR),
        "an empty response topic": (publish(did, props(prop(0x08, text("")))), PROTOCOL_ERROR),
        "topic alias 0": (publish(did, props(prop(0x23, b"\0\0"))), 0x94),
        "a topic alias": (publish(did, props(prop(0x23, b"\0\1"))), 0x94),
        "a topic with a wildcard": (publish(did, topic=f"dev2app/{did}/#"), 0x90),
        "no topic": (publish(did, topic=""), PROTOCOL_ERROR),
        "a payload format of 2": (publish(did, props(prop(0x01, b"\2"))), PROTOCOL_ERROR),
        "two message expiries": (publish(did, props(prop(0x02, b"\0\0\0\1") * 2)), PROTOCOL_ERROR),
        "a publish with a subscription identifier": (publish(did, props(prop(0x0B, b"\1"))), PROTOCOL_ERROR),
        "dup at qos 0": (publish(did, qos=0, first=0x38), MALFORMED),
        "qos 3": (publish(did, qos=3), MALFORMED),
        "packet id 0": (packet(0x32, text(f"dev2app/{did}") + b"\0\0" + NONE + REPORT), MALFORMED),
        "subscribe with packet id 0": (packet(0x82, b"\0\0" + NONE + text(own) + b"\0"), MALFORMED),
        "unsubscribe with packet id 0": (packet(0xA2, b"\0\0" + NONE + text(own)), MALFORMED),
        "puback with packet id 0": (packet(0x40, b"\0\0"), MALFORMED),
        # lengths
        "a length with a byte too many": (b"\xc0\x80\0", MALFORMED),
        "a length of five bytes": (b"\xc0\xff\xff\xff\xff\1", MALFORMED),
        "a property length with a byte too many": (publish(did, b"\x80\0"), MALFORMED),
        "a property's name with a byte too many": (publish(did, b"\6\xa6\0" + text("") * 2), MALFORMED),
        "properties longer than the packet": (publish(did, b"\x7f"), MALFORMED),
        # acknowledgements
        "a reason that puback does not have": (packet(0x40, ID + b"\x92"), PROTOCOL_ERROR),
        "a reason that pubrel does not have": (packet(0x62, ID + b"\x87"), PROTOCOL_ERROR),
        "two reason texts": (packet(0x40, ID + b"\0" + props(prop(0x1F, text("a")) * 2)), PROTOCOL_ERROR),
        # the rest
        "disconnect with an expiry after none": (packet(0xE0, b"\0" + props(prop(0x11, b"\0\0\0\1"))), PROTOCOL_ERROR),
        "a reason that disconnect does not have": (packet(0xE0, b"\x01"), PROTOCOL_ERROR),
        "a reason of a server's disconnect": (packet(0xE0, b"\x8e"), PROTOCOL_ERROR),
        "an auth that was not agreed on": (packet(0xF0), PROTOCOL_ERROR),
        "a second connect": (connect_packet(did, "123456", 5), PROTOCOL_ERROR),
        "a server's packet": (packet(0xD0), PROTOCOL_ERROR),
        "pubrel without its flags": (packet(0x60, ID), MALFORMED),
        "pubrec with flags": (packet(0x52, ID), MALFORMED),
        **{f"{name} in a topic": (publish(did, topic=content), MALFORMED) for name, content in UTF8_TEXTS.items()},
        **{f"{name} in a property": (publish(did, props(prop(0x26, text(content) + text("")))), MALFORMED)
           for name, content in UTF8_TEXTS.items()},
        **{f"{name} in a filter": (subscribe(content), MALFORMED) for name, content in UTF8_TEXTS.items()},
    }


@pytest.mark.parametrize("name", wrong_in_5_0("x"))
def test_what_5_0_forbids_ends_the_connection_with_its_reason(world, name):
    device = world.device(level=5)
    wrong, reason = wrong_in_5_0(device.did)[name]
    device.send(wrong)
    assert device.receive() == (0xE0, bytes([reason]))
    device.expect_closed()
    assert world.get(f"devices/{device.did}/cmd").json["meta"]["total"] == 0


def wrong_before_5_0(did):
    return {
        "an empty filter": packet(0x82, ID + text("") + b"\0"),
        "a wildcard that is no level": packet(0x82, ID + text("#abc") + b"\0"),
        "an unsubscribed empty filter": packet(0xA2, ID + text("")),
        "an unsubscribed misplaced wildcard": packet(0xA2, ID + text("a/b#")),
        "a length with a byte too many": b"\xc0\x80\0",
        "a surrogate in a topic": packet(0x30, text(b"dev2app/\xed\xa0\x80") + REPORT),
        "pubrec too short": packet(0x50, b"\0"),
        "pubcomp with packet id 0": packet(0x70, b"\0\0"),
    }


@pytest.mark.parametrize("name", wrong_before_5_0("x"))
@pytest.mark.parametrize("level", [3, 4])
def test_what_is_malformed_before_5_0_ends_the_connection(world, name, level):
    device = world.device(level=level)
    device.send(wrong_before_5_0(device.did)[name])
    device.expect_closed()
    assert world.online_log_once_ended(device.did)[0]["payload"]["reason"] == "offline_exception"


def connect_5(did, properties=b"", flags=0xC2, will_properties=b"", will_topic=None):
    body = text("MQTT") + bytes([5, flags]) + b"\0\x3c" + varint(len(properties)) + properties + text("client")
    if will_topic is not None:
        body += varint(len(will_properties)) + will_properties + text(will_topic) + text(REPORT)
    return packet(0x10, body + text(did) + text("123456"))


def wrong_connects(did):
    own = f"dev2app/{did}"
    return {
        "receive maximum 0": (connect_5(did, prop(0x21, b"\0\0")), PROTOCOL_ERROR),
        "maximum packet size 0": (connect_5(did, prop(0x27, b"\0\0\0\0")), PROTOCOL_ERROR),
        "two session expiries": (connect_5(did, prop(0x11, b"\0\0\0\1") * 2), PROTOCOL_ERROR),
        "authentication data without a method": (connect_5(did, prop(0x16, text("x"))), PROTOCOL_ERROR),
        "a padded property length": (packet(0x10, text("MQTT") + b"\5\xc2\0\x3c\x80\0" + text("c") + text(did) + text("1")), MALFORMED),
        "a reserved flag": (connect_5(did, flags=0xC3), MALFORMED),
        "a will qos without a will": (connect_5(did, flags=0xCA), MALFORMED),
        "a will at qos 3": (connect_5(did, flags=0xDE, will_topic=own), MALFORMED),
        "a will on a wildcard": (connect_5(did, flags=0xC6, will_topic=f"{own}/#"), 0x90),
        "a will on no topic": (connect_5(did, flags=0xC6, will_topic=""), 0x90),
        "a will's response topic with a wildcard":
            (connect_5(did, flags=0xC6, will_topic=own, will_properties=prop(0x08, text("#"))), PROTOCOL_ERROR),
        "two will delays": (connect_5(did, flags=0xC6, will_topic=own, will_properties=prop(0x18, b"\0\0\0\1") * 2), PROTOCOL_ERROR),
        "a retained will": (connect_5(did, flags=0xE6, will_topic=own), 0x9A),
    }


@pytest.mark.parametrize("name", wrong_connects("x"))
def test_a_wrong_connect_of_5_0_is_refused_with_its_reason(world, name):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 5)
    wrong, reason = wrong_connects(did)[name]
    device.send(wrong)
    first, body = device.receive()
    assert (first, body[1]) == (0x20, reason)
    device.expect_closed()


# --- what is right goes on ---

def test_user_properties_may_repeat(world):
    device = world.device(level=5)
    device.send(publish(device.did, props(USER, USER)))
    assert device.receive() == (0x40, ID)


def test_a_response_topic_is_taken(world):
    device = world.device(level=5)
    device.send(publish(device.did, props(prop(0x08, text("a/b")))))
    assert device.receive() == (0x40, ID)


@pytest.mark.parametrize("level", [3, 4, 5])
def test_a_pubrec_of_an_unknown_id_gets_a_pubrel(world, level):
    device = world.device(level=level)
    device.send(packet(0x50, ID))
    assert device.receive() == (0x62, ID + (b"\x92" if level == 5 else b""))
    device.send(packet(0x70, ID))
    device.ping()


def test_a_pubrec_that_refuses_gets_no_pubrel(world):
    device = world.device(level=5)
    device.send(packet(0x50, ID + b"\x80"))
    device.ping()


def test_a_pubrec_of_a_qos_1_control_is_a_protocol_error(world):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 5).login()
    device.subscribe(f"app2dev/{did}/#", 1)
    assert world.control(did, raw=[1]).status == 200
    device.send(packet(0x50, struct.pack(">H", device.receive_publish()[2])))
    assert device.receive() == (0xE0, bytes([PROTOCOL_ERROR]))


def test_a_disconnect_may_have_an_expiry_where_the_connect_had_one(world):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 5).login(properties=prop(0x11, b"\0\0\0\x0a"))
    device.send(packet(0xE0, b"\0" + props(prop(0x11, b"\0\0\0\1"))))
    device.expect_closed()
    assert world.online_log_once_ended(did)[0]["payload"]["reason"] == "mqtt_disconnect"


# --- clients that take small packets only ---

def login_of_a_small_client(world, size, client_id=""):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 5)
    device.send(connect_packet(did, passcode, 5, client_id=client_id, properties=prop(0x27, struct.pack(">I", size))))
    return device


@pytest.mark.parametrize("size", [5, 6, 20, 29, 30, 40, 60, 100])
def test_a_connack_is_no_larger_than_its_client_takes(world, size):
    device = login_of_a_small_client(world, size)
    first, body = device.receive()
    assert (first, body[:2]) == (0x20, b"\0\0")
    assert 2 + len(body) <= size and body[2] == len(body) - 3
    assert (device.did.encode() in body) == (size >= 30), "the assigned client id is what matters most"
    device.ping()


def test_a_client_that_takes_no_connack_is_refused(world):
    device = login_of_a_small_client(world, 4)
    device.expect_closed()
    assert world.get(f"devices/{device.did}/online").json["meta"]["total"] == 0


def test_an_answer_larger_than_its_client_takes_ends_the_session(world):
    device = login_of_a_small_client(world, 8)
    device.receive()
    for count in (3, 4):  # a code each, behind five bytes
        device.send(packet(0x82, ID + NONE + (text(f"app2dev/{device.did}/#") + b"\0") * count))
        first, body = device.receive()
        assert (first, body) == ((0x90, ID + b"\0" + bytes(3)) if count == 3 else (0xE0, b"\x95"))
    device.expect_closed()


def test_a_client_that_takes_small_packets_is_not_asked_too_much(world):
    """The number of app clients takes 51 bytes."""
    device = login_of_a_small_client(world, 40, client_id="x")
    device.receive()
    assert device.subscribe(f"ser2cli_res/{device.did}") == 0
    device.publish("cli2ser_req", bytes.fromhex("00000003020f"))
    assert device.is_silent()
    device.ping()


# --- a device that never acknowledges ---

def test_a_device_that_acknowledges_no_control_is_ended(world):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 5).login()
    assert device.subscribe(f"app2dev/{did}/#", 1) == 1
    for number in range(32):
        assert world.control(did, raw=[number]).status == 200
    assert world.control(did, raw=[32]).error == (400, 5403)
    for _ in range(32):
        device.receive_publish()
    assert device.receive() == (0xE0, b"\x97")
    device.expect_closed()
    assert world.online_log_once_ended(did)[0]["payload"]["reason"] == "offline_exception"


def test_a_device_that_acknowledges_slowly_goes_on(make_server):
    world = World(make_server())
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 5).login(properties=prop(0x21, b"\0\1"))
    assert device.subscribe(f"app2dev/{did}/#", 1) == 1
    for number in range(3):
        assert world.control(did, raw=[number]).status == 200
        packet_id = device.receive_publish()[2]
        assert device.is_silent(1)
        device.send(packet(0x40, struct.pack(">H", packet_id)))
    device.ping()
    assert world.get("devices/search", is_online=1).json["meta"]["total"] == 1
