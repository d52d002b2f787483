"""Pacing: firmware that reads one packet per recv must never find two of them glued."""

import threading
import time

import pytest

from mqtt import packet, text
from world import World, frame


class SlowFirmware(threading.Thread):
    """Reads as the field's firmware does: one recv of 1024 bytes is one packet, whatever else came
    with it is lost; then it thinks for a while. Ends when it has so many packets."""

    def __init__(self, device, echo, packets):
        super().__init__(daemon=True)
        self.device, self.echo, self.packets = device, echo, packets
        self.segments = []

    def run(self):
        while sum(self.packets_per_segment()) < self.packets:
            data = self.device.sock.recv(1024)
            assert data, "the server has closed"
            self.segments.append(data)
            time.sleep(0.03)
            if self.echo and data[0] >> 4 == 3:
                self.device.publish(f"dev2app/{self.device.did}", frame(0x0091))

    def packets_per_segment(self):
        counts = []
        for data in self.segments:
            at = n = 0
            while at < len(data):
                at += 2 + data[at + 1]
                n += 1
            counts.append(n)
        return counts


def control_many(world, did, count):
    answers = []
    threads = [threading.Thread(target=lambda n=n: answers.append(world.control(did, raw=[n]).status)) for n in range(count)]
    for thread in threads:
        thread.start()
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.parametrize("echo", [True, False])
def test_packets_are_never_glued_to_a_paced_session(world, echo):
    device = world.device(level=3)
    firmware = SlowFirmware(device, echo, packets=14)
    firmware.start()
    sender = threading.Thread(target=lambda: [device.send(b"\xc0\x00") or time.sleep(0.05) for _ in range(10)])
    sender.start()
    answers = control_many(world, device.did, 4)
    sender.join()
    firmware.join()
    assert answers == [200] * 4
    assert set(firmware.packets_per_segment()) == {1}
    kinds = [data[0] >> 4 for data in firmware.segments]
    assert kinds.count(3) == 4 and kinds.count(13) == 10


def test_an_echo_lets_the_next_frame_go(world):
    device = world.device(level=3)
    SlowFirmware(device, echo=True, packets=8).start()
    began = time.monotonic()
    assert control_many(world, device.did, 8) == [200] * 8
    assert time.monotonic() - began < 6.5  # without echoes it takes seven seconds, with them a quarter of one


def test_an_acknowledgement_with_the_serial_number_lets_the_next_frame_go(world):
    device = world.device(level=3)
    began = time.monotonic()
    answers = []
    for number in range(7, 19):
        raw = list(frame(0x0093, bytes([1, number]), sn=number))
        thread = threading.Thread(target=lambda raw=raw: answers.append(world.control(device.did, raw=raw).status))
        thread.start()
        assert device.receive_publish()[1] == bytes(raw)
        device.publish(f"dev2app/{device.did}/enterprise", frame(0x0094, b"", sn=number))
        thread.join()
    assert answers == [200] * 12
    assert time.monotonic() - began < 10  # without acknowledgements it takes eleven seconds, with them a third of one


# More than wait at a paced session: one goes a second, eight may wait.
MANY = 20


def test_the_queue_of_a_paced_session_is_bounded(world):
    device = world.device(level=3)
    answers = control_many(world, device.did, MANY)  # nobody echoes
    assert answers.count(200) >= 4 and answers.count(400) >= 4


def test_a_session_of_3_1_1_is_not_paced(world):
    device = world.device(level=4)
    assert control_many(world, device.did, MANY) == [200] * MANY


def test_pacing_is_a_setting_of_the_product(shared_server):
    for pacing, level, paced in (("off", 3, False), ("on", 4, True)):
        device = (world := World(shared_server, pacing=pacing)).device(level=level)
        assert (400 in control_many(world, device.did, MANY)) is paced


def test_a_ping_behind_a_control_waits_for_its_echo(world):
    """What takes longer than the server waits for the echo shows nothing and is tried again."""
    for _ in range(20):
        device = world.device(level=3)
        began = time.monotonic()
        assert world.control(device.did, raw=[1]).status == 200
        device.send(b"\xc0\x00")
        device.receive_publish()
        was_silent = device.is_silent(0.3)
        in_time = time.monotonic() - began < 0.9
        device.send(packet(0x30, text(f"dev2app/{device.did}") + frame(0x0091)))
        if in_time:
            break
    assert in_time and was_silent
    assert device.receive()[0] >> 4 == 13
