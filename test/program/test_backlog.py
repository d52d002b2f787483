"""Devices that send more than they may: who waits for an acknowledgement is slowed, who does not is cut."""

import struct

import pytest

from mqtt import Closed, frame, packet
from server import wait_until
from metricspage import read
from world import REPORT, World, status_report


def data_total(world, device):
    return world.get(f"devices/{device.did}/data", limit=1).json["meta"]["total"]


def sessions(world, device):
    return world.get(f"devices/{device.did}/online").json["meta"]["total"]


def acknowledged(device, kind, count):
    return [struct.unpack(">H", device.receive_kind(kind)[1][:2])[0] for _ in range(count)]


@pytest.fixture(scope="module")
def brisk(make_shared_server):
    """A hundred messages a second instead of ten."""
    return make_shared_server("--device-messages", "100")


@pytest.mark.parametrize("level", [3, 4, 5])
def test_a_backlog_with_twenty_in_flight_is_taken_in_one_session(brisk, level):
    world = World(brisk, pacing="off")
    device = world.device(level=level)
    sent = acked = 0
    while acked < 300:
        while sent < 300 and sent - acked < 20:
            sent += 1
            device.publish(f"dev2app/{device.did}", REPORT, qos=1, packet_id=sent)
        assert acknowledged(device, 4, 1) == [acked + 1]
        acked += 1
    assert data_total(world, device) == 300 and sessions(world, device) == 1


def test_a_backlog_without_a_window_is_taken_in_one_session(brisk):
    world = World(brisk)
    device = world.device(level=4)
    device.send(b"".join(device.report_bytes(REPORT, 1, n) for n in range(1, 301)))
    assert acknowledged(device, 4, 300) == list(range(1, 301))
    device.ping()
    assert data_total(world, device) == 300 and sessions(world, device) == 1


@pytest.mark.parametrize("level", [3, 4])
def test_before_5_0_a_hundred_qos_2_messages_may_be_open(brisk, level):
    world = World(brisk, pacing="off")
    device = world.device(level=level)
    ids = list(range(1, 101))
    device.send(b"".join(device.report_bytes(REPORT, 2, n) for n in ids))
    assert acknowledged(device, 5, 100) == ids
    device.send(b"".join(device.report_bytes(REPORT, 2, n) for n in ids[:10]))  # again
    assert acknowledged(device, 5, 10) == ids[:10]
    device.send(b"".join(packet(0x62, struct.pack(">H", n)) for n in ids))
    assert acknowledged(device, 7, 100) == ids
    assert data_total(world, device) == 100 and sessions(world, device) == 1


def test_large_messages_with_an_acknowledgement_are_slowed(world):
    """Three seconds' worth of bytes at once."""
    device = world.device(level=4)
    frame_of_30000 = b"\0\0\0\3" + bytes(30000)
    device.send(b"".join(device.report_bytes(frame_of_30000, 1, n) for n in range(1, 7)))
    assert acknowledged(device, 4, 6) == list(range(1, 7))
    device.ping()
    assert sessions(world, device) == 1


def test_a_packet_larger_than_a_seconds_bytes_is_taken(make_server):
    world = World(make_server("--device-bytes", "20000"))
    device = world.device(level=4)
    for number in (1, 2):
        device.send(device.report_bytes(b"\0\0\0\3" + bytes(50000), 1, number))
        assert acknowledged(device, 4, 1) == [number]
    assert sessions(world, device) == 1


def test_a_slow_session_is_not_a_silent_one(make_server):
    world = World(make_server("--device-messages-burst", "1"))
    device = world.device(level=4, keepalive=2)
    device.send(b"".join(device.report_bytes(REPORT, 1, n) for n in range(1, 51)))  # five seconds
    assert acknowledged(device, 4, 50) == list(range(1, 51))
    device.ping()
    assert sessions(world, device) == 1


def test_what_stands_behind_a_backlog_is_slowed_with_it(make_server):
    world = World(make_server("--device-messages-burst", "1"))
    device = world.device(level=4)
    device.send(device.report_bytes(REPORT, 1, 1) + b"".join(device.report_bytes(REPORT, 1 - n % 2, n) for n in range(2, 22)))
    assert acknowledged(device, 4, 11) == [1, *range(2, 22, 2)]
    wait_until(lambda: data_total(world, device) == 21, what="every report")
    assert sessions(world, device) == 1


def test_numbered_reports_are_slowed_since_they_wait_for_their_answer(make_server):
    world = World(make_server("--device-messages-burst", "1"))
    device = world.device(level=4)
    for number in range(1, 11):
        device.publish(f"dev2app/{device.did}", frame(0x0093, REPORT[8:], sn=number))
    assert [device.receive_publish()[1] for _ in range(10)] == [frame(0x0094, sn=n) for n in range(1, 11)]
    assert sessions(world, device) == 1


def test_slowed_devices_are_counted(make_server):
    world = World(make_server("--device-messages-burst", "1"))
    device = world.device(level=4)
    device.send(b"".join(device.report_bytes(REPORT, 1, n) for n in range(1, 4)))
    acknowledged(device, 4, 3)
    assert read(world.server).get("slowdowns_total") >= 2


# --- the cut ---

def test_a_flood_at_qos_0_ends_the_session_behind_the_acknowledgements(world):
    device = world.device(level=5)
    device.send(b"".join(device.report_bytes(REPORT, 1, n) for n in range(1, 41)) + device.report_bytes(REPORT) * 200)
    assert acknowledged(device, 4, 40) == list(range(1, 41))
    assert device.receive() == (0xE0, b"\x96")
    device.expect_closed()
    assert world.online_log_once_ended(device.did)[0]["payload"]["reason"] == "offline_sending_density_overflow"


@pytest.mark.parametrize("level", [4, 5])
def test_a_malformed_packet_ends_the_session_behind_the_acknowledgements(world, level):
    device = world.device(level=level)
    device.send(b"".join(device.report_bytes(REPORT, 1, n) for n in range(1, 41)) + b"\xc1\0")
    assert acknowledged(device, 4, 40) == list(range(1, 41))
    device.expect_closed()
    assert data_total(world, device) == 40


def test_a_stop_acknowledges_all_that_it_has_kept(make_server):
    world = World(make_server("--device-messages", "0"))
    device = world.device(level=4)
    device.send(b"".join(device.report_bytes(REPORT, 1, n) for n in range(1, 2001)))
    acknowledged(device, 4, 1)
    assert world.server.stop() == 0
    count = 1
    with pytest.raises(Closed):
        while True:
            assert acknowledged(device, 4, 1) == [count + 1]
            count += 1
    world.server.start()
    assert data_total(world, device) == count


# --- what a control makes a device send ---

def obey(device, payload):
    """As the firmware does: the echo, then what has changed."""
    device.publish(f"dev2app/{device.did}", frame(0x0091) if payload[7] == 0x90 else frame(0x0094, sn=struct.unpack(">I", payload[8:12])[0]))
    device.publish(f"dev2app/{device.did}", status_report())


@pytest.mark.parametrize("raw", [[1, 2, 3], list(frame(0x0093, b"\1\2\3", sn=5))])
def test_a_device_is_not_cut_for_obeying(world, raw):
    device = world.device(level=4)
    for _ in range(48):
        assert world.control(device.did, raw=raw).status == 200
        obey(device, device.receive_publish()[1])
    for _ in range(40):
        device.publish(f"dev2app/{device.did}", REPORT)  # of its own: the burst is still its
    device.ping()
    wait_until(lambda: data_total(world, device) == 88, what="every report")
    assert sessions(world, device) == 1


def test_more_answers_than_controls_are_a_flood(world):
    device = world.device(level=4)
    for _ in range(3):
        assert world.control(device.did, raw=[1]).status == 200
    device.send(device.report_bytes(frame(0x0091)) * 200)
    device.expect_closed()
    assert world.online_log_once_ended(device.did)[0]["payload"]["reason"] == "offline_sending_density_overflow"
