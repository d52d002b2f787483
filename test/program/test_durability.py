"""What is acknowledged is on disk: through kill -9 in the middle of a load, and by the order of the
program's system calls."""

import contextlib
import os
import random
import re
import resource
import shutil
import signal
import threading
import time

import pytest

from mqtt import Closed, Device, connect_packet, frame
from reportfleet import counts
from server import ENOUGH_S, PATIENCE, Server, run, stand_still, wait_until
from world import REPORT, World, request, status_report

ROUNDS = 20
DEVICES = 6


def numbered_report(number):
    """A report whose timers and temperatures carry a number: switch on, all else quiet."""
    assert number < 25 * 25 * 15 * 61
    return frame(0x0091, bytes([0x04, 0x01, number % 25, number // 25 % 25, 16 + number // 625 % 15, number // 9375, 0, 0]))


def report_number(attrs):
    return attrs["on_timing"] + 25 * attrs["off_timing"] + 625 * (attrs["set_temp"] - 16) + 9375 * (attrs["room_temp"] + 10)


class Reporter(threading.Thread):
    """Publishes numbered reports with QoS 1, some at once, and remembers which were acknowledged."""

    def __init__(self, device, first):
        super().__init__(daemon=True)
        self.device, self.next, self.acknowledged = device, first, []

    def run(self):
        number_of = {}
        try:
            while True:
                while len(number_of) < 10:
                    packet_id = self.device.publish(f"dev2app/{self.device.did}", numbered_report(self.next), qos=1)
                    number_of[packet_id] = self.next
                    self.next += 1
                _, body = self.device.receive_kind(4)
                self.acknowledged.append(number_of.pop(int.from_bytes(body[:2], "big")))
        except (Closed, OSError):
            return


def all_rows(world, did, call):
    rows, skip = [], 0
    while True:
        page = world.get(f"devices/{did}/{call}", limit=1000, skip=skip, sort="asc").json
        rows += page["objects"]
        skip += 1000
        if skip >= page["meta"]["total"]:
            assert len(rows) == page["meta"]["total"]
            return rows


def test_every_acknowledged_report_survives_twenty_kills(make_server):
    server = make_server("--device-messages", "0", "--device-bytes", "0")
    world = World(server)
    registered = [world.register() for _ in range(DEVICES)]
    expected = {did: [] for did, _ in registered}
    unsent = {did: 0 for did, _ in registered}
    chance = random.Random(20)
    for _ in range(ROUNDS):
        reporters = [Reporter(Device(server.mqtt, did, passcode, world.product_key, level=4).login(),
                              first=unsent[did]) for did, passcode in registered]
        for reporter in reporters:
            reporter.start()
        time.sleep(chance.uniform(0.1, 0.5))
        # A login leaves an end only when its record is on disk, which an acknowledged report shows.
        wait_until(lambda: all(reporter.acknowledged for reporter in reporters), what="an acknowledgement to each")
        server.kill()
        for reporter in reporters:
            reporter.join(ENOUGH_S)
            expected[reporter.device.did] += reporter.acknowledged
            unsent[reporter.device.did] = reporter.next
        server.start()
    assert sum(map(len, expected.values())) > ROUNDS * DEVICES
    for did, numbers in expected.items():
        stored = [report_number(row["attrs"]) for row in all_rows(world, did, "data")]
        assert len(numbers) == len(set(numbers))
        assert set(numbers) <= set(stored), "acknowledged, but not there"
        assert stored == sorted(stored), "not in the order in which they were sent"
        ends = [row for row in all_rows(world, did, "online") if row["type"] == "dev_offline"]
        assert [end["payload"]["reason"] for end in ends] == ["offline_exception"] * ROUNDS


@pytest.mark.embedded("the database does the syncs")
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_sync_comes_between_reading_a_publish_and_writing_its_puback(tmp_path):
    trace = tmp_path / "trace"
    server = Server(tmp_path / "data", wrapper=("strace", "-D", "-f", "-tt", "-yy", "-s", "64", "-o", str(trace), "-e",
                                                "trace=read,recvfrom,recvmsg,write,sendto,sendmsg,writev,fsync,fdatasync"),
                    env={"ASAN_OPTIONS": "detect_leaks=0"})
    server.start()
    try:
        world = World(server)
        device = world.device(level=4)
        port = device.sock.getsockname()[1]
        time.sleep(0.3 * PATIENCE)
        device.publish(f"dev2app/{device.did}", b"\0\0\0\3\x04\0\0\x91\x05", qos=1, packet_id=0x4d51)
        assert device.receive_kind(4)[1] == b"\x4d\x51"
    finally:
        server.stop()
    lines = [line for line in trace.read_text().splitlines()]
    of_device = [n for n, line in enumerate(lines) if f":{port}]" in line or f":{port}>" in line]
    publish = [n for n in of_device if "dev2app" in lines[n] and re.search(r"\b(read|recv\w*)\(", lines[n])]
    puback = [n for n in of_device if r'"@\2MQ"' in lines[n] and re.search(r"\b(write\w*|send\w*)\(", lines[n])]
    assert len(publish) == 1 and len(puback) == 1, [lines[n] for n in of_device]
    done = [n for n in range(publish[0], puback[0])
            if re.search(r"\b(fsync|fdatasync)\b.*\.log>?.*= 0", lines[n]) or re.search(r"<\.\.\. (fsync|fdatasync) resumed>.*= 0", lines[n])]
    assert done, lines[publish[0]:puback[0] + 1]


def test_a_clean_stop_keeps_what_was_not_acknowledged_either(make_server):
    server = make_server()
    world = World(server)
    device = world.device(level=4)
    for number in range(20):
        device.report(numbered_report(number), qos=0)
    device.ping()  # everything before it has been read
    server.restart()
    assert len(all_rows(world, device.did, "data")) == 20


def test_a_directory_in_use_is_refused(make_server, tmp_path):
    server = make_server()
    other = Server(tmp_path / "data")
    with pytest.raises(AssertionError, match="in use"):
        other.start()
    assert other.process.wait(ENOUGH_S) == 1
    assert server.process.poll() is None


@pytest.mark.embedded("it damages files")
@pytest.mark.parametrize("file", ["registry.db", "journal/CURRENT"])
def test_a_damaged_directory_is_refused_with_a_reason(make_server, tmp_path, file):
    server = make_server()
    World(server)
    server.stop()
    path = tmp_path / "data" / file
    path.write_bytes(b"this is no database, and never was" * 200)
    with pytest.raises(AssertionError, match="muster serve: "):
        server.start()
    assert server.process.wait(ENOUGH_S) == 1
    assert os.path.getsize(path) == 34 * 200


@pytest.mark.embedded("test_store.py has it for databases")
def test_a_directory_of_a_newer_version_is_refused(make_server):
    server = make_server()
    server.stop()
    with server.registry() as db:
        db.execute("PRAGMA user_version = 9999")
    with pytest.raises(AssertionError, match="newer"):
        server.start()
    assert server.process.wait(ENOUGH_S) == 1


def test_another_time_zone_is_refused_with_an_explanation(make_server):
    server = make_server("--time-zone", "Europe/Berlin")
    server.stop()
    server.options = ["--time-zone", "Asia/Shanghai"]
    with pytest.raises(AssertionError, match="Europe/Berlin"):
        server.start()
    server.options = ["--time-zone", "Europe/Berlin"]
    server.start()


def test_a_crash_ends_open_sessions_as_offline_exception(make_server):
    server = make_server()
    world = World(server)
    device = world.device(level=4)
    device.report(numbered_report(1), qos=1)
    server.kill()
    server.start()
    log = world.get(f"devices/{device.did}/online").json
    assert log["meta"]["total"] == 2
    end, login = log["objects"]
    assert (login["type"], end["type"], end["payload"]["reason"]) == ("dev_online", "dev_offline", "offline_exception")
    assert login["timestamp"] <= end["timestamp"] <= time.time()
    # The next login finds the same record, now written down.
    device = world.device(registered=(device.did, "123456"), level=4)
    again = world.get(f"devices/{device.did}/online").json
    assert again["meta"]["total"] == 3 and again["objects"][1:] == [end, login]
    assert again["objects"][0]["type"] == "dev_online"


def test_a_crash_after_a_takeover_ends_the_session_that_took_over(make_server):
    """The first session ends by itself in the moment in which it is taken over: its own end is recorded, and before the
    login that waits for it."""
    server = make_server("--threads", "1")
    world = World(server)
    first = world.device(level=4)
    second = Device(server.mqtt, first.did, "123456", world.product_key, 4)
    wait_until(lambda: b"muster_mqtt_connections 2" in request(server.ops, "GET", "/metrics").body)
    stand_still(server.process)  # so that the loop finds both, in this order
    second.send(connect_packet(first.did, "123456", 4))
    first.disconnect()
    server.process.send_signal(signal.SIGCONT)
    assert second.receive() == (0x20, b"\0\0")
    second.report(numbered_report(1), qos=1)
    server.kill()
    server.start()
    log = world.get(f"devices/{first.did}/online", sort="asc").json
    assert [(r["type"], r["payload"].get("reason")) for r in log["objects"]] == [
        ("dev_online", None), ("dev_offline", "mqtt_disconnect"), ("dev_re_online", None),
        ("dev_offline", "offline_exception")]
    assert log["meta"]["total"] == 4


class Rivals(threading.Thread):
    """Logs one device in, again and again, each time on top of the session before, until the server is gone."""

    def __init__(self, world, did):
        super().__init__()
        self.world, self.did, self.let_in = world, did, 0

    def run(self):
        devices = []
        with contextlib.suppress(OSError, Closed):
            while True:
                devices.append(Device(self.world.server.mqtt, self.did, "123456", self.world.product_key, 4).login())
                self.let_in += 1


def test_a_crash_among_take_overs_loses_no_login_and_no_end(make_server):
    server = make_server()
    world = World(server)
    dids = [world.register()[0] for _ in range(4)]
    let_in = dict.fromkeys(dids, 0)
    for _ in range(ROUNDS):
        rivals = [Rivals(world, did) for did in dids]
        for rival in rivals:
            rival.start()
        wait_until(lambda: all(rival.let_in >= 3 for rival in rivals), what="take-overs")  # noqa: B023
        server.kill()
        for rival in rivals:
            rival.join(ENOUGH_S)
            let_in[rival.did] += rival.let_in
        server.start()
    for did in dids:
        log = all_rows(world, did, "online")
        kinds = [row["type"] for row in log]
        assert kinds[1::2] == ["dev_offline"] * (len(log) // 2) and "dev_offline" not in kinds[0::2], kinds
        assert [row["timestamp"] for row in log] == sorted(row["timestamp"] for row in log)
        # An answer may have been under way when the server was killed.
        assert let_in[did] <= len(log) // 2 <= let_in[did] + ROUNDS
        ends = [row["payload"]["reason"] for row in log[1::2]]
        # The server may have been killed between an end and the login behind it.
        assert ROUNDS // 2 <= ends.count("offline_exception") <= ROUNDS
        assert ends.count("offline_force") == len(ends) - ends.count("offline_exception")


# --- states, which are written now and then only -------------------------------------------------------------------

@pytest.fixture
def killed_while_states_lag(server):
    """(world, device) after a kill; the device has reported often, with faults that came and went."""
    world = World(server)
    device = world.device(level=4)
    for number in range(50):
        device.report(status_report(set_temp=16 + number % 15, faults=number % 2), qos=1)
    device.report(status_report(set_temp=29, alerts=1, faults=1), qos=1)
    server.kill()
    return world, device


def test_a_start_after_a_kill_shows_the_last_report(killed_while_states_lag):
    world, device = killed_while_states_lag
    world.server.start()
    shown, = world.get("devices/search").json["objects"]
    assert (shown["is_alert"], shown["is_faulty"]) == (True, True)
    newest = world.get(f"devices/{device.did}/data", limit=1, sort="desc").json
    assert newest["meta"]["total"] == 51 and newest["objects"][0]["attrs"]["set_temp"] == 29
    assert world.get("fault/report/events").json["count"] == counts(25, 24)


def test_nothing_is_wrong_with_a_directory_whose_states_lag(killed_while_states_lag):
    world, _ = killed_while_states_lag
    checked = run("check", "--data", world.server.data)
    assert checked.returncode == 0, checked.stdout


def test_a_report_after_the_kill_goes_on_with_numbers_and_faults(killed_while_states_lag):
    world, device = killed_while_states_lag
    world.server.start()
    world.device(level=4, registered=(device.did, "123456")).report(status_report(set_temp=30), qos=1)
    assert world.get(f"devices/{device.did}/data", limit=1).json["meta"]["total"] == 52
    assert world.get("fault/report/events").json["count"] == counts(25, 25)
    assert world.server.stop() == 0
    checked = run("check", "--data", world.server.data)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.embedded("it forbids the server to write files")
def test_healthz_says_that_the_store_takes_nothing(make_server):
    server = make_server()
    device = World(server).device(level=4)
    device.report(REPORT, qos=1)
    assert request(server.http, "GET", "/healthz").json == {"status": "ok"}
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    device.publish(f"dev2app/{device.did}", REPORT, qos=1)
    device.expect_closed()
    health = wait_until(lambda: (answer := request(server.http, "GET", "/healthz")).status == 503 and answer)
    assert health.json == {"status": "store_failed"}
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    wait_until(lambda: request(server.http, "GET", "/healthz").json == {"status": "ok"}, what="recovery")
