"""POST control: what is sent for which request, and what is refused."""

import base64
import threading

import pytest

from mqtt import Device, packet
from server import wait_until
from world import World, frame, status_report

ENVELOPE = 4 + 2 + 3  # of a frame of 128 bytes or more: version, two bytes of length, flag and command


def received(device):
    topic, payload, _ = device.receive_publish()
    assert topic.startswith(f"app2dev/{device.did}/")
    return payload


def send(world, device, **body):
    """The frame that a control has sent."""
    answer = world.control(device.did, **body)
    assert answer.status == 200, answer.body
    return received(device)


@pytest.fixture(scope="module")
def worlds(shared_server):
    """One world per definition, with a device that is logged in and has told nothing yet."""
    made = {}

    def of(name):
        if name not in made:
            world = World(shared_server, datapoint=name)
            made[name] = world, world.device(level=4)
        return made[name]

    return of


# --- datapoints -------------------------------------------------------------------------------------------

KEY = "00112233445566778899aabbccddeeff"
NO_KEY = "00" * 16
DOSER_REST = "00" * 104  # schedule, date and time, which nobody has set

SENT = [
    # bools and enums in every form; what is not set is its minimum, or 0
    ("air-conditioner", {"switch": 1}, "01 01 01 00 00 10"),
    ("air-conditioner", {"switch": True}, "01 01 01 00 00 10"),
    ("air-conditioner", {"switch": 0}, "01 01 00 00 00 10"),
    ("air-conditioner", {"switch": False}, "01 01 00 00 00 10"),
    ("air-conditioner", {"fan_swing": 1}, "01 02 02 00 00 10"),
    ("air-conditioner", {"mode": "送风"}, "01 04 0c 00 00 10"),
    ("air-conditioner", {"mode": 3}, "01 04 0c 00 00 10"),
    ("air-conditioner", {"fan_speed": "高风"}, "01 08 40 00 00 10"),
    ("air-conditioner", {"set_temp": 30}, "01 40 00 00 00 1e"),
    ("air-conditioner", {"set_temp": 30.0}, "01 40 00 00 00 1e"),
    ("air-conditioner", {"set_temp": 29.5}, "01 40 00 00 00 1e"),
    ("air-conditioner", {"on_timing": 0.4, "off_timing": 23.6}, "01 30 00 00 18 10"),
    ("air-conditioner", {"switch": 1.0, "mode": 3.0, "fan_swing": 0.0}, "01 07 0d 00 00 10"),
    ("air-conditioner", {"on_timing": 24, "off_timing": 1}, "01 30 00 18 01 10"),
    ("air-conditioner", {"switch": 1, "fan_swing": 1, "mode": 4, "fan_speed": 2, "on_timing": 1, "off_timing": 2, "set_temp": 17},
     "01 7f 53 01 02 11"),
    ("plug", {"on": 1}, "01 01 01"),
    # numbers of every width, scaled: raw = (shown - addition) / ratio, rounded to the nearest
    ("power-meter", {"relay": 1}, f"01 01 01 00000000 0000 {NO_KEY}"),
    ("power-meter", {"limit": -1000000}, f"01 02 00 00000000 0000 {NO_KEY}"),
    ("power-meter", {"limit": -999999.999}, f"01 02 00 00000001 0000 {NO_KEY}"),
    ("power-meter", {"limit": 3294967.295}, f"01 02 00 ffffffff 0000 {NO_KEY}"),
    ("power-meter", {"limit": 0}, f"01 02 00 3b9aca00 0000 {NO_KEY}"),
    ("power-meter", {"zero": -250.25}, f"01 04 00 00000000 0001 {NO_KEY}"),
    ("power-meter", {"zero": -250.3}, f"01 04 00 00000000 0001 {NO_KEY}"),
    ("power-meter", {"zero": 249.5}, f"01 04 00 00000000 07d0 {NO_KEY}"),
    ("power-meter", {"key": KEY}, f"01 08 00 00000000 0000 {KEY}"),
    ("power-meter", {"key": KEY.upper()}, f"01 08 00 00000000 0000 {KEY}"),
    ("power-meter", {"key": list(bytes.fromhex(KEY))}, f"01 08 00 00000000 0000 {KEY}"),
    ("pet-feeder", {"motor": -2}, "01 20 00 000000 03"),
    ("pet-feeder", {"lamp": 1, "colour": "紫", "motor": 3}, "01 23 05 00 00 00 08"),
    # more than eight writable points, more than eight bits
    ("doser", {"dose": 1000, "calibration": "三档"}, f"01 0090 20 0a 00 03e8 {DOSER_REST}"),
    ("doser", {"date": "20250102"}, f"01 0200 00 0a 00 000a {'00' * 96} 20250102 00000000"),
    ("doser", {"time": "0c000000"}, f"01 0400 00 0a 00 000a {'00' * 100} 0c000000"),
    # variable length: only what is set is there
    ("heater", {"heating": 1, "water_mode": "fixed", "comfort": 21.5}, "11 00000000040102 03 21"),
    ("heater", {"circulation": 0}, "11 00000000000001 00"),
    ("heater", {"curve": 1.5}, "11 00000000002000 0f"),
    ("heater", {"system": "both", "water_function": 3, "heating": 0}, "11 00000000000602 16"),
    ("heater", {"heating_day_7": "0102030405060708090a0b0c"}, "11 00800000000000 0102030405060708090a0b0c"),
    ("heater", {"room": -50, "comfort": 5}, "11 00000000440000 00 00"),
]


@pytest.mark.parametrize("name,attrs,p0", SENT)
def test_datapoints_are_sent_as(worlds, name, attrs, p0):
    world, device = worlds(name)
    assert send(world, device, attrs=attrs).hex() == frame(0x0090, bytes.fromhex(p0)).hex()


def test_a_binary_point_may_be_base64(worlds):
    world, device = worlds("power-meter")
    coded = base64.b64encode(bytes.fromhex(KEY)).decode()
    assert send(world, device, attrs={"key": coded}, binary_coding="base64").hex().endswith("0000" + KEY)
    assert send(world, device, attrs={"key": KEY}, binary_coding="hex").hex().endswith("0000" + KEY)


def test_sixty_four_flags_and_twelve_bits_are_big_endian_integers(worlds):
    world, device = worlds("wavemaker")
    p0 = send(world, device, attrs={"link": "从机", "timer_wave": "喂食", "flow": 80})[9:]
    assert (p0[:1].hex(), p0[1:9].hex(), p0[9:11].hex(), p0[11:12].hex()) == ("01", "00000000000001c0", "0b00", "50")
    assert len(p0) == 1 + 8 + 400
    p0 = send(world, device, attrs={"power": 1})[9:]
    assert (p0[1:9].hex(), p0[9:11].hex()) == ("0000000000000001", "0001")


def test_what_is_not_set_is_sent_as_it_was_last_told(world):
    device = world.device(level=4)
    device.report(status_report(switch=1, mode=1, on_timing=5, set_temp=20), qos=1)
    assert send(world, device, attrs={"off_timing": 3}).hex() == frame(0x0090, bytes.fromhex("01 20 05 05 03 14")).hex()
    device.report(status_report(switch=0, mode=2, on_timing=6, set_temp=21), qos=1)
    assert send(world, device, attrs={"off_timing": 3}).hex() == frame(0x0090, bytes.fromhex("01 20 08 06 03 15")).hex()


def test_a_report_that_could_not_be_read_changes_no_filling(world):
    device = world.device(level=4)
    device.report(status_report(set_temp=20), qos=1)
    device.report(status_report(set_temp=25)[:-1], qos=1)
    device.report(frame(0x0091), qos=1)
    assert send(world, device, attrs={"switch": 0})[-1] == 20


def test_a_control_is_no_report_and_changes_no_filling(world):
    device = world.device(level=4)
    device.report(status_report(set_temp=20), qos=1)
    assert send(world, device, attrs={"set_temp": 30})[-1] == 30
    assert send(world, device, attrs={"switch": 0})[-1] == 20


def test_a_second_session_fills_from_what_the_first_told(world):
    first = world.device(level=4)
    first.report(status_report(set_temp=27), qos=1)
    second = world.device(level=4, registered=(first.did, first.passcode))
    assert send(world, second, attrs={"switch": 0})[-1] == 27


def test_a_state_of_another_definition_fills_nothing(world):
    device = world.device(level=4)
    device.report(status_report(set_temp=27), qos=1)
    changed = world.get("datapoint").json
    changed["entities"][0]["attrs"][6]["uint_spec"]["min"] = 18
    world.configure_product(datapoint=changed)
    assert send(world, device, attrs={"switch": 0})[-1] == 18


# --- datapoints that are refused -----------------------------------------------------------------------------

@pytest.mark.parametrize("name,attrs", [
    ("air-conditioner", {"room_temp": 20}),        # read-only
    ("air-conditioner", {"alert_full": 1}), ("air-conditioner", {"fault_roomtemp": 0}),
    ("air-conditioner", {"switch": 2}), ("air-conditioner", {"switch": -1}), ("air-conditioner", {"switch": "an"}),
    ("air-conditioner", {"switch": None}), ("air-conditioner", {"switch": [1]}), ("air-conditioner", {"switch": 0.5}),
    ("air-conditioner", {"mode": "暖"}), ("air-conditioner", {"mode": 5}), ("air-conditioner", {"mode": -1}),
    ("air-conditioner", {"mode": 1.5}), ("air-conditioner", {"mode": True}), ("air-conditioner", {"mode": {}}),
    ("air-conditioner", {"set_temp": 15}), ("air-conditioner", {"set_temp": 31}), ("air-conditioner", {"set_temp": "warm"}),
    ("air-conditioner", {"set_temp": True}), ("air-conditioner", {"set_temp": 1e300}), ("air-conditioner", {"set_temp": -1e300}),
    ("air-conditioner", {"switch": 1, "set_temp": 99}),
    ("air-conditioner", {"on_timing": -0.4}), ("air-conditioner", {"on_timing": 24.4}), ("air-conditioner", {"set_temp": 15.6}),
    ("power-meter", {"limit": -1000000.001}), ("power-meter", {"limit": 3294967.296}), ("power-meter", {"zero": 249.75}),
    ("power-meter", {"zero": -250.75}),
    ("power-meter", {"key": KEY[:-2]}), ("power-meter", {"key": KEY + "00"}), ("power-meter", {"key": KEY[:-1]}),
    ("power-meter", {"key": ""}), ("power-meter", {"key": "zz" * 16}), ("power-meter", {"key": [0] * 15}),
    ("power-meter", {"key": [256] * 16}), ("power-meter", {"key": 7}),
    ("heater", {"hours": 1}), ("heater", {"comfort": 4.5}), ("heater", {"comfort": 30.5}), ("heater", {"water_day_1": "00"}),
])
def test_a_value_that_cannot_be_is_5401(worlds, name, attrs):
    world, device = worlds(name)
    answer = world.control(device.did, attrs=attrs)
    assert answer.error == (400, 5401)
    assert list(attrs)[-1] in answer.json["detail_message"]


def test_a_short_binary_is_told_the_length(worlds):
    world, device = worlds("power-meter")
    assert "16" in world.control(device.did, attrs={"key": "1234567"}).json["detail_message"]


@pytest.mark.parametrize("attrs", [{"nothing": 1}, {"Switch": 1}, {"": 1}, {"switch ": 1}, {"switch": 1, "nothing": 1}])
def test_an_unknown_name_is_5405(worlds, attrs):
    world, device = worlds("air-conditioner")
    assert world.control(device.did, attrs=attrs).error == (404, 5405)


def test_without_a_definition_datapoints_are_5402_and_raw_goes(shared_server):
    world = World(shared_server, datapoint=None)
    device = world.device(level=4)
    assert world.control(device.did, attrs={"switch": 1}).error == (404, 5402)
    assert send(world, device, raw=[1, 2]) == frame(0x0090, b"\1\2")


# --- raw --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("body", [
    {"raw": [97, 98, 99]}, {"raw": "616263", "binary_coding": "hex"}, {"raw": "YWJj", "binary_coding": "base64"},
    {"raw": [97, 98, 99], "binary_coding": "hex"}, {"raw": [97.0, 98, 99.0]},
])
def test_raw_bytes_are_put_into_an_envelope(worlds, body):
    world, device = worlds("plug")
    assert send(world, device, **body).hex() == "0000000306000090616263"


def test_the_bytes_that_a_client_in_the_field_sends(worlds):
    world, device = worlds("plug")
    assert send(world, device, raw=[18, 255, 255, 255, 255]).hex() == "000000030800009012ffffffff"


WHOLE = [frame(0x0090, b"\1\1\1"), frame(0x0090, b""), frame(0x0090, bytes(200)), frame(0x0093, b"\1\1\1", sn=7),
         b"\0\0\0\3\4\x7f\0\x90\1"]
NOT_WHOLE = [frame(0x0091, b"\1"), frame(0x0094, b"", sn=7), frame(0x0090, b"\1\1")[:-1], frame(0x0090, b"\1") + b"\0",
             b"\0\0\0\4" + frame(0x0090, b"\1")[4:], b"\0\0\0\3", b"\0\0\0\3\3\0\0", frame(0x0093, b""),
             b"\0\0\0\3\x80\x80\x80\x80\1"]


@pytest.mark.parametrize("bytes_", WHOLE, ids=lambda b: b.hex()[:30])
def test_a_whole_frame_is_sent_as_it_is(worlds, bytes_):
    world, device = worlds("plug")
    assert send(world, device, raw=list(bytes_)).hex() == bytes_.hex()


@pytest.mark.parametrize("bytes_", NOT_WHOLE, ids=lambda b: b.hex()[:30])
def test_what_is_not_quite_a_frame_is_put_into_an_envelope(worlds, bytes_):
    world, device = worlds("plug")
    assert send(world, device, raw=bytes_.hex(), binary_coding="hex").hex() == frame(0x0090, bytes_).hex()


# Of a packet of 1,024 bytes, which is what a module reads at once, what a frame has: the fixed header takes
# 3, the topic 43, a packet id 2, the properties of 5.0 one.
LONGEST = [(3, 0, 978), (4, 0, 978), (4, 1, 976), (5, 0, 977), (5, 1, 975)]


def listening(world, level, qos):
    device = Device(world.server.mqtt, *world.register(), world.product_key, level=level).login()
    device.subscribe(f"app2dev/{device.did}/#", qos)
    return device


def packet_received(device):
    """The size of the next PUBLISH, all of it, and what it carries."""
    first, body = device.receive_kind(3)
    device.pending = packet(first, body) + device.pending
    return len(packet(first, body)), received(device)


@pytest.mark.parametrize("level,qos,longest", LONGEST)
def test_the_longest_packet_is_what_a_module_reads_at_once(worlds, level, qos, longest):
    world = worlds("plug")[0]
    device = listening(world, level, qos)
    whole = frame(0x0090, bytes(longest - ENVELOPE))
    for body in ({"raw": [7] * (longest - ENVELOPE)}, {"raw": list(whole)}):
        assert world.control(device.did, **body).status == 200
        size, payload = packet_received(device)
        assert size == 1024 and len(payload) == longest
        if qos:
            device.send(packet(0x40, b"\0\1"))
        if level == 3:
            device.report(frame(0x0091))


@pytest.mark.parametrize("level,qos,longest", LONGEST)
def test_what_no_module_could_read_is_5408_and_neither_sent_nor_logged(worlds, level, qos, longest):
    world = worlds("plug")[0]
    device = listening(world, level, qos)
    for body in ({"raw": [7] * (longest - ENVELOPE + 1)}, {"raw": list(frame(0x0090, bytes(longest - ENVELOPE + 1)))}):
        assert world.control(device.did, **body).error == (400, 5408)
    assert device.is_silent()
    assert world.get(f"devices/{device.did}/cmd").json["meta"]["total"] == 0


def test_datapoints_that_no_module_could_read_are_5408(shared_server):
    """Two texts of 480 bytes fit into the definition, but not into one packet."""
    world = World(shared_server, datapoint=None)
    text = {"type": "status_writable", "data_type": "binary"}
    world.configure_product("--force", datapoint={
        "name": "Sign", "product_key": world.product_key, "protocolType": "var_len", "packetVersion": "0x00000004",
        "entities": [{"id": 0, "name": "entity0", "display_name": "Sign", "attrs": [
            {**text, "id": i, "name": name, "position": {"byte_offset": 0, "bit_offset": 0, "len": 490, "unit": "byte"}}
            for i, name in enumerate(("top", "bottom"))]}]})
    device = world.device(level=4)
    assert len(send(world, device, attrs={"top": "41" * 490})) == ENVELOPE + 2 + 490
    answer = world.control(device.did, attrs={"top": "41" * 490, "bottom": "42" * 490})
    assert answer.error == (400, 5408) and "978" in answer.json["detail_message"]
    assert device.is_silent()
    assert world.get(f"devices/{device.did}/cmd").json["meta"]["total"] == 1


def test_a_packet_longer_than_a_client_of_5_0_takes_is_5408(worlds):
    world = worlds("plug")[0]
    device = Device(world.server.mqtt, *world.register(), world.product_key, level=5).login(properties=b"\x27\0\0\0\x64")
    device.subscribe(f"app2dev/{device.did}/#")
    fits = 100 - 2 - 43 - 1 - 8
    assert len(send(world, device, raw=[7] * fits)) == 8 + fits
    assert world.control(device.did, raw=[7] * (fits + 1)).error == (400, 5408)
    assert device.is_silent()


@pytest.mark.parametrize("body", [
    {"raw": []}, {"raw": "", "binary_coding": "hex"}, {"raw": "", "binary_coding": "base64"}, {"raw": [256]}, {"raw": [-1]},
    {"raw": ["1"]}, {"raw": [1.5]}, {"raw": [None]}, {"raw": [[1]]}, {"raw": [True]}, {"raw": "616", "binary_coding": "hex"},
    {"raw": "6g", "binary_coding": "hex"}, {"raw": "YWJ", "binary_coding": "base64"}, {"raw": "YW!j", "binary_coding": "base64"},
    {"raw": "61 62", "binary_coding": "hex"}, {"raw": [0] * 100000}, {"raw": "00" * 100000, "binary_coding": "hex"},
])
def test_malformed_raw_data_is_5408(worlds, body):
    world, device = worlds("plug")
    assert world.control(device.did, **body).error == (400, 5408)


@pytest.mark.parametrize("body", [
    {}, {"raw": [1], "attrs": {"on": 1}}, {"raw": None}, {"attrs": None}, {"attrs": {}}, {"attrs": []}, {"attrs": [1]},
    {"attrs": "on"}, {"attrs": 1}, {"raw": "616263"}, {"raw": "616263", "binary_coding": None}, {"raw": 7}, {"raw": {}},
    {"raw": True}, {"raw": "616263", "binary_coding": "octal"}, {"raw": "616263", "binary_coding": "HEX"},
    {"raw": "616263", "binary_coding": 16}, {"raw": [1], "binary_coding": "octal"}, {"attrs": {"on": 1}, "binary_coding": "x"},
])
def test_what_is_absent_or_mistyped_is_5002(worlds, body):
    world, device = worlds("plug")
    assert world.control(device.did, **body).error == (400, 5002)


# --- the device ---------------------------------------------------------------------------------------------------

def test_an_unknown_device_is_5301(world):
    assert world.control("x" * 22, raw=[1]).error == (404, 5301)


def test_another_products_device_is_5302_even_of_the_same_enterprise(world, shared_server):
    second = World(shared_server)
    device = second.device(level=4)
    assert world.control(device.did, raw=[1]).error == (403, 5302)
    assert device.is_silent()


def test_a_disabled_device_is_5304(world):
    device = world.device(mac="m", level=4)
    world.import_devices({"mac": "m", "is_disabled": True})
    assert world.control(device.did, raw=[1]).error == (400, 5304)


def test_a_device_that_never_came_or_has_gone_is_5305(world):
    did, passcode = world.register()
    assert world.control(did, raw=[1]).error == (400, 5305)
    world.device(level=4, registered=(did, passcode)).disconnect()
    world.online_log_once_ended(did)
    assert world.control(did, raw=[1]).error == (400, 5305)


def test_a_device_that_does_not_listen_is_5403(world):
    did, passcode = world.register()
    device = Device(world.server.mqtt, did, passcode, world.product_key, 4).login()
    for topic in (f"ser2cli_res/{did}", f"ser2cli_noti/{world.product_key}"):
        device.subscribe(topic)
    assert world.control(did, raw=[1]).error == (400, 5403)
    assert device.is_silent()
    device.subscribe(f"app2dev/{did}/#")
    assert send(world, device, raw=[1]) == frame(0x0090, b"\1")


def test_a_product_without_remote_control_is_5404(shared_server):
    world = World(shared_server, remote_control=False)
    device = world.device(level=4)
    for body in ({"raw": [1]}, {"attrs": {"switch": 1}}):
        assert world.control(device.did, **body).error == (403, 5404)
    world.configure_product(remote_control=True)
    assert world.control(device.did, raw=[1]).status == 200


# --- the log --------------------------------------------------------------------------------------------------------

def test_a_200_is_exactly_an_empty_object_and_the_log_has_the_bytes(world):
    device = world.device(level=4)
    answer = world.control(device.did, raw=[1, 2, 3])
    assert (answer.status, answer.body) == (200, b"{}")
    entry, = world.get(f"devices/{device.did}/cmd").json["objects"]
    assert (entry["type"], entry["payload"]) == ("app2dev", received(device).hex())


def test_a_refused_control_is_not_in_the_log(world):
    device = world.device(level=4)
    for body in ({"raw": []}, {"attrs": {"nothing": 1}}, {"attrs": {"set_temp": 99}}, {}):
        assert world.control(device.did, **body).status in (400, 404)
    device.disconnect()
    wait_until(lambda: world.control(device.did, raw=[1]).error == (400, 5305))
    assert world.get(f"devices/{device.did}/cmd").json["meta"]["total"] == 0


def test_the_request_id_is_told_also_when_it_fails(world):
    device = world.device(level=4)
    ids = [world.control(did, raw=[1]).headers["X-Request-Id"] for did in (device.did, device.did, "x" * 22)]
    assert len(set(ids)) == 3 and all(ids)


def test_controls_of_many_callers_all_arrive_and_are_all_kept(world):
    device = world.device(level=4)
    answers = []
    threads = [threading.Thread(target=lambda n=n: answers.append(world.control(device.did, raw=[n]).status)) for n in range(30)]
    for thread in threads:
        thread.start()
    arrived = sorted(received(device)[-1] for _ in threads)
    for thread in threads:
        thread.join()
    assert answers == [200] * 30 and arrived == list(range(30))
    assert world.get(f"devices/{device.did}/cmd", limit=0).json["meta"]["total"] == 30


def test_a_device_that_goes_away_meanwhile_gets_5305_or_5403_and_never_a_lie(world):
    for _ in range(10):
        device = world.device(level=4)
        results = []
        thread = threading.Thread(target=lambda: results.append(world.control(device.did, raw=[1])))
        thread.start()
        device.reset()
        thread.join()
        total = world.get(f"devices/{device.did}/cmd").json["meta"]["total"]
        if results[0].status == 200:
            assert total == 1
        else:
            assert results[0].error in ((400, 5305), (400, 5403))
