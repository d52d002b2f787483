"""Pacing: firmware that reads one packet per recv must never find two of them glued."""

import threading
import time

import pytest

from mqtt import packet, text
from server import PATIENCE
from world import World, frame


class SlowFirmware(threading.Thread):
    """Reads as the field's firmware does: one recv of 1024 bytes is one packet, whatever else came
    with it is lost; then it thinks for a while."""

    def __init__(self, device, echo):
        super().__init__(daemon=True)
        self.device, self.echo = device, echo
        self.segments = []

    def run(self):
        self.device.sock.settimeout(3 * PATIENCE)
        try:
            while True:
                data = self.device.sock.recv(1024)
                if not data:
                    return
                self.segments.append(data)
                time.sleep(0.03)
                if self.echo and data[0] >> 4 == 3:
                    self.device.publish(f"dev2app/{self.device.did}", frame(0x0091))
        except (TimeoutError, OSError):
            return

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
    firmware = SlowFirmware(device, echo)
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
    time.sleep(0.2)
    firmware = SlowFirmware(device, echo=True)
    firmware.start()
    began = time.monotonic()
    assert control_many(world, device.did, 5) == [200] * 5
    assert time.monotonic() - began < 4  # without echoes it would take a second each


def test_an_acknowledgement_with_the_serial_number_lets_the_next_frame_go(world):
    device = world.device(level=3)
    time.sleep(0.2)
    began = time.monotonic()
    answers = []
    for number in (7, 8):
        raw = list(frame(0x0093, bytes([1, number]), sn=number))
        thread = threading.Thread(target=lambda raw=raw: answers.append(world.control(device.did, raw=raw).status))
        thread.start()
        assert device.receive_publish()[1] == bytes(raw)
        device.publish(f"dev2app/{device.did}/enterprise", frame(0x0094, b"", sn=number))
        thread.join()
    assert answers == [200, 200] and time.monotonic() - began < 1


def test_the_queue_of_a_paced_session_is_bounded(world):
    device = world.device(level=3)
    answers = control_many(world, device.did, 14)  # nobody echoes: one a second, eight may wait
    assert answers.count(200) >= 4 and answers.count(400) >= 4


def test_a_session_of_3_1_1_is_not_paced(world):
    device = world.device(level=4)
    began = time.monotonic()
    assert control_many(world, device.did, 5) == [200] * 5
    assert time.monotonic() - began < 3


def test_pacing_is_a_setting_of_the_product(shared_server):
    for pacing, level, paced in (("off", 3, False), ("on", 4, True)):
        world = World(shared_server, pacing=pacing)
        device = world.device(level=level)
        time.sleep(0.2)
        began = time.monotonic()
        assert control_many(world, device.did, 3) == [200] * 3
        assert (time.monotonic() - began > 1.5) is paced


def test_a_ping_behind_a_control_waits_for_its_echo(world):
    device = world.device(level=3)
    time.sleep(0.2)
    assert world.control(device.did, raw=[1]).status == 200
    device.send(b"\xc0\x00")
    device.receive_publish()
    assert device.is_silent(0.3)
    device.send(packet(0x30, text(f"dev2app/{device.did}") + frame(0x0091)))
    assert device.receive()[0] >> 4 == 13
