"""muster tail: what happens, as it happens, a line an event; and what a reader costs others who does not read."""

import datetime
import json
import re
import signal
import subprocess
import threading
import time

import pytest

from metricspage import read
from mqtt import Device
from server import ENOUGH_S, PATIENCE, muster, run, wait_until
from world import REPORT, World, device_request, frame, hex_id, status_report

LARGE = 32  # messages


class Tail:
    """A command that runs until the test is over, and the lines that it has printed so far."""

    def __init__(self, server, *options):
        watchers = read(server).get("watchers")
        self.process = subprocess.Popen(muster("tail", "--data", server.data, *options), stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.lines = []
        wait_until(lambda: read(server).get("watchers") == watchers + 1, what="the tail to be connected")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def wait(self, condition, what):
        return wait_until(lambda: [line for line in self.lines if condition(line)], what=what)

    def events(self, word, count=1):
        """The first events of that word, as objects (of a tail with --json)."""
        def found():
            rows = [row for row in map(json.loads, self.lines) if row["event"] == word]
            return rows if len(rows) >= count else None
        return wait_until(found, what=f"{count} of {word}")

    def end(self):
        """(exit status, stderr) after Ctrl-C."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        status = self.process.wait(ENOUGH_S)
        self.reader.join(ENOUGH_S)
        return status, self.process.stderr.read()


@pytest.fixture
def tail():
    started = []

    def make(server, *options):
        started.append(Tail(server, *options))
        return started[-1]

    yield make
    for one in started:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGCONT)
            one.process.kill()
        one.process.wait()


@pytest.fixture
def watched(world, tail):
    """A tail of the test's own product, as objects."""
    return tail(world.server, "--json", "--product", world.product_key)


# --- what is shown --------------------------------------------------------------------------------------------

def test_a_registration_a_login_and_the_sessions_end_are_shown_in_their_order(world, watched):
    device = world.device(level=4, mac="tail" + world.product_key[:10])
    device.disconnect()
    end, = watched.events("end")
    registration, login = watched.events("registration")[0], watched.events("login")[0]
    assert [json.loads(line)["event"] for line in watched.lines] == ["registration", "login", "end"]
    for row in (registration, login, end):
        assert (row["did"], row["product_key"]) == (device.did, world.product_key)
        assert abs(row["time"] - time.time()) < 60 * PATIENCE
    assert (registration["mac"], registration["peer"], registration["outcome"]) == \
        ("tail" + world.product_key[:10], "127.0.0.1", "new")
    assert (login["peer"], login["keep_alive"], login["takeover"]) == ("127.0.0.1", 120, False)
    assert end["reason"] == "mqtt_disconnect" and end["seconds"] < 60 * PATIENCE


def test_a_report_is_shown_with_its_datapoints(world, watched):
    device = world.device(level=4)
    device.report(REPORT, qos=1)
    report, = watched.events("report")
    shown = world.get(f"devices/{device.did}/data").json["objects"][0]["attrs"]
    assert report["attrs"] == shown and report["attrs"]["set_temp"] == 16


def test_a_report_that_is_not_decoded_is_shown_with_the_reason_and_its_bytes(world, watched):
    world.device(level=4).report(frame(0x0091, REPORT[9:-1]), qos=1)
    report, = watched.events("report")
    assert "the definition wants" in report["undecoded"] and report["payload"] == frame(0x0091, REPORT[9:-1]).hex()


def test_without_a_definition_a_report_is_shown_as_bytes(shared_server, tail):
    world = World(shared_server, datapoint=None)
    shown = tail(shared_server, "--json", "--product", world.product_key)
    world.device(level=4).report(REPORT, qos=1)
    report, = shown.events("report")
    assert report["payload"] == REPORT.hex() and "undecoded" not in report and "attrs" not in report


def test_a_control_and_the_devices_answers_are_shown(world, watched):
    device = world.device(level=4)
    assert world.control(device.did, attrs={"switch": 1}).status == 200
    device.report(frame(0x0091), qos=1)
    device.report(frame(0x0094, sn=7), qos=1)
    assert watched.events("control")[0]["attrs"] == {"switch": 1}
    assert watched.events("control")[0]["enterprise_id"] == world.enterprise_id
    watched.events("echo")
    assert watched.events("ack")[0]["sn"] == 7


def test_a_control_that_does_not_reach_its_device_is_shown_with_its_error(world, watched):
    did, _ = world.register()
    assert world.control(did, attrs={"switch": 1}).error == (400, 5305)
    refused, = watched.events("refused_control")
    assert (refused["did"], refused["error_code"], refused["enterprise_id"]) == (did, 5305, world.enterprise_id)


def test_a_fault_and_an_alert_are_shown_when_they_are_raised_and_when_they_are_cleared(world, watched):
    device = world.device(level=4)
    for alerts, faults in ((0, 1), (0, 1), (1, 0), (0, 0)):
        device.report(status_report(alerts=alerts, faults=faults), qos=1)
    device.disconnect()
    watched.events("end")
    rows = [json.loads(line) for line in watched.lines]
    told = [(row["event"], row.get("name"), row.get("state")) for row in rows if row["event"] in ("report", "fault", "alert")]
    report = ("report", None, None)
    alert = next(name for _, name, _ in told if name and name != "fault_roomtemp")
    assert told[:4] == [report, ("fault", "fault_roomtemp", "raised"), report, report]
    assert set(told[4:6]) == {("alert", alert, "raised"), ("fault", "fault_roomtemp", "cleared")}
    assert told[6:] == [report, ("alert", alert, "cleared")]


def test_a_take_over_is_shown(world, watched):
    first = world.device(level=4)
    second = world.device(level=4, registered=(first.did, first.passcode))
    assert [row["takeover"] for row in watched.events("login", 2)] == [False, True]
    assert watched.events("end")[0]["reason"] == "offline_force"
    second.ping()


def test_refusals_are_shown_with_their_reason(world, tail):
    everything = tail(world.server, "--json")
    did, _ = world.register(mac="known" + world.product_key[:10])
    Device(world.server.mqtt, did, "wrong", world.product_key, 4).connect()
    device_request(world.server.http, "POST", "/dev/devices", f"mac=unknown-mac&passcode=p&product_key={hex_id()}")
    with Device(world.server.mqtt, "x" * 22, "p", world.product_key, 4).sock as garbage:
        garbage.sendall(b"\xc0\x00")
        shown = everything.events("refusal", 3)
    assert all(row["peer"] == "127.0.0.1" for row in shown)
    told = {row["reason"]: (row["did"], row["mac"], row["product_key"]) for row in shown}
    assert told["login: wrong passcode"] == (did, None, world.product_key)
    assert told["register: unknown product_key"] == (None, "unknown-mac", None)
    assert told["login: what came first is no CONNECT"] == (None, None, None)


# --- whose ------------------------------------------------------------------------------------------------------

def test_a_product_shows_its_devices_alone(world, shared_server, tail):
    other = World(shared_server)
    shown = tail(shared_server, "--json", "--product", world.product_key)
    other.device(level=4).report(REPORT, qos=1)
    mine = world.device(level=4)
    mine.report(REPORT, qos=1)
    shown.events("report")
    assert {json.loads(line)["did"] for line in shown.lines} == {mine.did}


@pytest.mark.parametrize("form", ["{did}", "{pk}/{mac}", "{mac}"])
def test_a_device_shows_itself_alone_also_when_its_mac_is_refused(world, tail, form):
    mac = "one" + world.product_key[:10] + str(len(form))
    did, passcode = world.register(mac=mac)
    shown = tail(world.server, "--json", form.format(did=did, pk=world.product_key, mac=mac))
    world.device(level=4).report(REPORT, qos=1)
    world.configure_product(registration="known")
    assert device_request(world.server.http, "POST", "/dev/devices",
                          f"mac={mac}&passcode=another&product_key={world.product_key}")[0] == 400
    world.device(level=4, registered=(did, passcode)).disconnect()
    shown.events("end")
    assert [json.loads(line)["event"] for line in shown.lines] == ["refusal", "login", "end"]
    assert {json.loads(line)["did"] for line in shown.lines} == {did, None}


@pytest.mark.parametrize("arguments, why", [
    (["x" * 22], "no device has this did or mac"), (["--product", "0" * 32], "no product has this product_key")])
def test_what_does_not_exist_is_said_so_with_status_2(world, arguments, why):
    result = run("tail", "--data", world.server.data, *arguments)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", f"muster tail: {why}\n")


# --- the lines --------------------------------------------------------------------------------------------------

def test_a_line_has_the_time_with_its_offset_the_did_the_event_and_its_details(world, tail):
    shown = tail(world.server, "--product", world.product_key)
    device = world.device(level=4)
    device.report(REPORT, qos=1)
    line, = shown.wait(lambda line: " report " in line, "a report")
    date, clock, did, word, details = line.rstrip("\n").split(" ", 4)
    assert abs(datetime.datetime.fromisoformat(f"{date} {clock}").timestamp() - time.time()) < 60 * PATIENCE
    assert clock.endswith("+08:00") and (did, word) == (device.did, "report")
    assert json.loads(details)["set_temp"] == 16
    device.disconnect()
    line, = shown.wait(lambda line: " end " in line, "the end")
    assert re.search(r" end mqtt_disconnect after \d+ s\n$", line)


def test_nothing_that_a_device_sends_does_anything_to_a_terminal(world, tail):
    shown = tail(world.server)
    device_request(world.server.http, "POST", "/dev/devices",
                   f"mac=a%1b%5b2Jb&passcode=p&product_key={hex_id()}")
    world.device(level=4).report(b"\x1b[2J" * 4, qos=1)
    shown.wait(lambda line: " report " in line, "a report")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", "".join(shown.lines))


# --- its end ------------------------------------------------------------------------------------------------------

def test_ctrl_c_ends_it_with_status_0(world, tail):
    shown = tail(world.server)
    assert shown.end() == (0, "")
    wait_until(lambda: read(world.server).get("watchers") == 0)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_server_that_ends_ends_it_with_status_1(make_server, tail, how):
    server = make_server()
    shown = tail(server)
    getattr(server, how)()
    assert shown.process.wait(ENOUGH_S) == 1
    assert shown.process.stderr.read() == "muster tail: the server has ended\n"


def test_where_no_server_runs_it_says_so_with_status_1(make_server):
    server = make_server()
    server.stop()
    result = run("tail", "--data", server.data)
    assert result.returncode == 1 and "no server runs" in result.stderr


def test_an_output_that_is_full_ends_it_with_status_1(world):
    with open("/dev/full", "w", encoding="ascii") as full, \
            subprocess.Popen(muster("tail", "--data", world.server.data), stdout=full, stderr=subprocess.PIPE,
                             text=True) as process:
        wait_until(lambda: read(world.server).get("watchers") == 1, what="the tail to be connected")
        world.register()
        assert process.wait(ENOUGH_S) == 1
        assert process.stderr.read() == "muster tail: cannot write; is there room?\n"


def test_a_reader_that_goes_away_leaves_nothing_behind(world, tail):
    shown = tail(world.server)
    shown.process.kill()
    shown.process.wait()
    wait_until(lambda: read(world.server).get("watchers") == 0, what="the server to notice")


# --- beside others ------------------------------------------------------------------------------------------------

def test_other_commands_run_while_somebody_watches_and_several_may_watch(world, tail):
    several = [tail(world.server, "--json") for _ in range(5)]
    assert run("list", "products", "--data", world.server.data).returncode == 0
    did, _ = world.register()
    for each in several:
        assert did in {row["did"] for row in each.events("registration")}


def test_a_reader_that_stalls_is_told_how_much_it_missed_and_holds_nobody_up(make_server, tail):
    server = make_server("--device-messages", "0", "--device-bytes", "0", "--mqtt-packet-max", "1048576")
    world = World(server)
    stalled, other = tail(server, "--json"), tail(server)
    stalled.process.send_signal(signal.SIGSTOP)
    device = world.device(level=4)
    for sent in range(1, LARGE + 1):  # more than the queue takes; the other reader has each before the next
        device.report(bytes(250_000), qos=1)
        wait_until(lambda: sum(" report " in line for line in other.lines) == sent)
    assert not any("not shown" in line for line in other.lines)
    stalled.process.send_signal(signal.SIGCONT)
    notice, = stalled.wait(lambda line: len(line) < 100 and '"event":"lost"' in line, "the number that was missed")
    missed = json.loads(notice)["count"]
    device.report(REPORT, qos=1)  # and it goes on behind
    stalled.wait(lambda line: len(line) < 1000 and '"set_temp":16' in line, "the next report")
    assert 0 < missed < LARGE and sum(len(line) > 500_000 for line in stalled.lines) == LARGE - missed


def test_a_server_that_ends_does_not_wait_for_a_reader_that_stalls(make_server, tail):
    server = make_server("--device-messages", "0", "--device-bytes", "0")
    world = World(server)
    stalled = tail(server, "--json")
    stalled.process.send_signal(signal.SIGSTOP)
    device = world.device(level=4)
    for _ in range(40):
        device.report(bytes(60_000), qos=1)
    assert server.stop() == 0
