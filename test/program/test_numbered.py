"""Frames with serial numbers, as the vendor's present firmware has them: reports in 0x0093, controls in 0x0093."""

import threading

import pytest

from world import World, frame, status_report


def numbered(sn, **status):
    """The same report in a frame with a serial number."""
    return frame(0x0093, status_report(**status)[8:], sn=sn)


def control(world, device, **body):
    """The frame that a control has sent, and the request's id."""
    got = world.control(device.did, **body)
    assert got.status == 200, got.body
    return device.receive_publish()[1], int(got.headers["X-Request-Id"], 16)


SWITCH = bytes.fromhex("01 01 01 00 00 10")


@pytest.mark.parametrize("level", [3, 4, 5])
@pytest.mark.parametrize("qos", [0, 1])
def test_a_report_with_a_serial_number_gets_its_answer(world, level, qos):
    device = world.device(level=level)
    device.report(numbered(0x01020304, set_temp=21), qos=qos)
    topic, payload, _ = device.receive_publish()
    assert topic.startswith(f"app2dev/{device.did}/") and len(topic) <= len(f"app2dev/{device.did}/") + 23
    assert payload.hex() == frame(0x0094, sn=0x01020304).hex()
    # by then it is durable, and shown
    assert world.get(f"devices/{device.did}/data").json["objects"][0]["attrs"]["set_temp"] == 21
    assert [row["type"] for row in world.get(f"devices/{device.did}/cmd").json["objects"]] == ["dev2app"]


def test_what_could_not_be_decoded_is_answered_too(world):
    device = world.device(level=4)
    device.report(numbered(9)[:-1])  # its length is wrong: no frame, no serial number
    device.report(frame(0x0093, b"\x04\x01", sn=8))
    assert device.receive_publish()[1] == frame(0x0094, sn=8)


def test_each_of_a_batch_is_answered_in_its_order(world):
    device = world.device(level=4)
    for sn in range(20):
        device.report(numbered(sn))
    assert [device.receive_publish()[1] for _ in range(20)] == [frame(0x0094, sn=sn) for sn in range(20)]


def test_a_paced_session_gets_answers_and_controls_apart(world):
    device = world.device(level=3)
    device.report(numbered(1))
    device.report(numbered(2))
    segments = [device.sock.recv(1024) for _ in range(2)]
    assert [s[-12:] for s in segments] == [frame(0x0094, sn=1), frame(0x0094, sn=2)]
    assert all(len(s) == 2 + s[1] for s in segments)


def test_controls_go_as_the_device_reports(world):
    device = world.device(level=4)
    assert control(world, device, attrs={"switch": 1})[0] == frame(0x0090, SWITCH)
    device.report(numbered(1), qos=1)
    device.receive_publish()
    sent, request = control(world, device, attrs={"switch": 1})
    assert sent == frame(0x0093, SWITCH, sn=request & 0xFFFFFFFF)
    sent, request = control(world, device, raw=[1, 2])
    assert sent == frame(0x0093, b"\1\2", sn=request & 0xFFFFFFFF)
    device.report(status_report(), qos=1)
    assert control(world, device, attrs={"switch": 1})[0] == frame(0x0090, SWITCH)


def test_a_whole_frame_goes_as_it_is(world):
    device = world.device(level=4)
    device.report(numbered(1), qos=1)
    device.receive_publish()
    for whole in (frame(0x0090, SWITCH), frame(0x0093, SWITCH, sn=77)):
        assert control(world, device, raw=list(whole))[0] == whole


def test_the_way_is_known_from_the_login_on_also_after_a_restart(server):
    world = World(server)
    device = world.device(level=4)
    device.report(numbered(1), qos=1)
    registered = (device.did, device.passcode)
    device.disconnect()
    device = world.device(level=4, registered=registered)
    assert control(world, device, attrs={"switch": 1})[0][7] == 0x93
    server.kill()
    server.start()
    device = world.device(level=4, registered=registered)
    assert control(world, device, attrs={"switch": 1})[0][7] == 0x93


@pytest.mark.parametrize("setting,cmd", [("0x0090", 0x90), ("0x0093", 0x93)])
def test_a_product_may_say_how(shared_server, setting, cmd):
    world = World(shared_server, control=setting)
    device = world.device(level=4)
    for report, is_answered in ((status_report(), False), (numbered(1), True)):
        device.report(report, qos=1)
        if is_answered:
            device.receive_publish()
        assert control(world, device, raw=[1])[0][-2 if cmd == 0x90 else -6] == cmd
    world.configure_product(control=None)
    device.report(status_report(), qos=1)
    assert control(world, device, raw=[1])[0] == frame(0x0090, b"\1")


def test_the_answer_of_a_control_is_logged_and_lets_a_paced_session_go_on(world):
    device = world.device(level=3)
    device.report(numbered(1))
    device.receive_publish()
    answers = []
    for value in (1, 0):
        thread = threading.Thread(target=lambda v=value: answers.append(world.control(device.did, attrs={"switch": v})))
        thread.start()
        sent = device.receive_publish()[1]
        thread.join()
        device.report(frame(0x0094, sn=int.from_bytes(sent[8:12], "big")), qos=1)
    rows = world.get(f"devices/{device.did}/cmd").json["objects"]
    assert [a.status for a in answers] == [200, 200]
    assert [(r["type"], r["payload"][14:16]) for r in rows] == [("dev2app", "94"), ("app2dev", "93"), ("dev2app", "94"),
                                                               ("app2dev", "93"), ("dev2app", "93")]
    assert rows[0]["payload"][16:24] == rows[1]["payload"][16:24]
