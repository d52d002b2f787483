"""The simulator against the server: it is the demo's fleet and the benchmarks' load."""

import contextlib
import re
import signal
import socket
import subprocess
import time

import pytest

from mqtt import Closed, Device, packet
from server import BINARY, ENOUGH_S, run, wait_until
from metricspage import read
from world import DATAPOINTS, World


def sim_arguments(world, *arguments, definition="air-conditioner"):
    defined = ["--definition", f"{DATAPOINTS}/{definition}.json"] if definition else []
    return ["sim", "--http", "http://%s:%d" % world.server.http, "--product", world.product_key, *defined,
            *map(str, arguments)]


def figures(text):
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", text)}


def until(condition, world, *arguments, **more):
    """(exit status, figures) of a simulator that is ended as soon as the condition holds."""
    process = subprocess.Popen([BINARY, *sim_arguments(world, *arguments, **more)], stdout=subprocess.PIPE, text=True)
    try:
        wait_until(condition, seconds=5 * ENOUGH_S)
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=ENOUGH_S)[0]
    return process.returncode, figures(said)


def stored(world, did):
    return world.get(f"devices/{did}/data", limit=0).json["meta"]["total"]


def found(world, **parameters):
    return world.get("devices/search", **parameters).json["objects"]


def reporting(world, stored_before=None):
    """The devices of which the server has stored a report since: each has heard of its login."""
    return [d for d in found(world, limit=100) if stored(world, d["did"]) > (stored_before or {}).get(d["did"], 0)]


def reports(server):
    """All that the server has stored."""
    return read(server).get("reports_total", result="decoded")


def test_it_counts_what_the_server_has_stored(world):
    status, counted = until(lambda: len(reporting(world)) == 20, world, "--devices", 20, "--interval", 0.5, "--qos", 1)
    assert status == 0 and counted["connected"] == 20 and counted["failed"] == 0, counted
    assert counted["acknowledged"] == counted["sent"] >= 20
    assert 0 < counted["p50"] <= counted["p99"] <= counted["max"]
    devices = found(world, limit=100)
    assert len(devices) == 20
    assert sum(stored(world, device["did"]) for device in devices) == counted["sent"]


def test_a_second_run_meets_the_same_devices(world):
    for _ in range(2):
        before = {d["did"]: stored(world, d["did"]) for d in found(world)}
        assert until(lambda: len(reporting(world, before)) == 5, world, "--devices", 5, "--interval", 1)[0] == 0
        wait_until(lambda: not found(world, is_online=1), what="their logout")
    assert len(found(world, show_disabled=1)) == 5


@pytest.mark.parametrize("version", ["3.1", "3.1.1", "5"])
def test_it_answers_a_control_with_the_changed_state(world, version):
    process = subprocess.Popen([BINARY, *sim_arguments(world, "--devices", 1, "--interval", 60, "--mqtt-version", version)],
                               stdout=subprocess.PIPE, text=True)
    try:
        device = wait_until(lambda: world.get("devices/search", is_online=1).json["objects"])[0]
        rows = wait_until(lambda: world.get(f"devices/{device['did']}/data").json["objects"])
        wanted = 30 if rows[0]["attrs"]["set_temp"] != 30 else 16
        wait_until(lambda: world.control(device["did"], attrs={"set_temp": wanted}).status == 200)
        row = wait_until(lambda: (r := world.get(f"devices/{device['did']}/data").json["objects"]) and len(r) > len(rows) and r[0])
        assert row["attrs"]["set_temp"] == wanted
        log = world.get(f"devices/{device['did']}/cmd").json["objects"]
        assert "0000000303000091" in [entry["payload"] for entry in log], "the echo of the control"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=ENOUGH_S)


@pytest.mark.parametrize("definition", ["doser", "heater", "pet-feeder", "ph-meter", "plug", "power-meter", "wavemaker"])
def test_devices_of_every_kind_are_decoded(shared_server, definition):
    world = World(shared_server, datapoint=definition)
    status, _ = until(lambda: len([d for d in found(world) if stored(world, d["did"]) > 1]) == 3, world,
                      "--devices", 3, "--interval", 0.2, "--qos", 1, definition=definition)
    assert status == 0
    for device in found(world):
        assert stored(world, device["did"]) == world.get(f"devices/{device['did']}/cmd", limit=0).json["meta"]["total"]


def test_without_a_server_it_fails_and_says_so(world, shared_server):
    done = run("sim", "--http", "http://127.0.0.1:1", "--product", world.product_key, "--definition",
               f"{DATAPOINTS}/plug.json", "--devices", 1, "--duration", 0.5)
    assert done.returncode == 1 and "connected=0" in done.stdout


def test_with_a_broker_of_its_own_it_need_not_find_the_one_that_the_server_tells(make_server):
    server = make_server("--mqtt-advertise", "nowhere.invalid:1883")
    world = World(server)
    status, counted = until(lambda: reports(server) > 0, world, "--mqtt", "%s:%d" % server.mqtt, "--devices", 1)
    assert status == 0 and counted["connected"] == 1, counted


def test_thousands_of_devices_fit_into_one_process(make_server):
    server = make_server()
    world = World(server)
    stored_with_all = []

    def all_have_heard_of_their_login():
        if read(server).get("sessions") == 2000:
            stored_with_all.append(reports(server))
        return stored_with_all and reports(server) >= stored_with_all[0] + 2000

    status, counted = until(all_have_heard_of_their_login, world, "--devices", 2000, "--interval", 5, "--qos", 1,
                            "--connect-rate", 1000)
    assert status == 0 and counted["connected"] == 2000 and counted["acknowledged"] >= 2000, counted
    assert world.get("devices/search").json["meta"]["total"] == 2000


@contextlib.contextmanager
def of_one_device(*options):
    """(process, peer): a simulator of one device, and the broker's end of its connection after login and subscriptions."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen([BINARY, "sim", "--plain-broker", "--mqtt", "127.0.0.1:%d" % listener.getsockname()[1],
                                    "--product", "0" * 32, "--devices", "1", "--qos", "1", *map(str, options)],
                                   stdout=subprocess.PIPE, text=True)
        try:
            listener.settimeout(ENOUGH_S)
            peer = Device(None, "", "", "", sock=listener.accept()[0])
            assert peer.receive()[0] >> 4 == 1
            peer.send(b"\x20\2\0\0")
            for _ in range(3):
                peer.send(packet(0x90, peer.receive_kind(8)[1][:2] + b"\0"))
            yield process, peer
        finally:
            process.kill()
            process.wait()


def acknowledge(peer, report):
    id_at = 2 + int.from_bytes(report[:2], "big")
    peer.send(packet(0x40, report[id_at:id_at + 2]))


@pytest.mark.parametrize("options,in_flight", [([], 1), (["--window", "7"], 7)])
def test_a_device_waits_for_an_acknowledgement_before_its_next_report(options, in_flight):
    with of_one_device("--interval", 0, *options) as (_, peer):
        reports = [peer.receive_kind(3)[1] for _ in range(in_flight)]
        assert peer.is_silent()
        acknowledge(peer, reports[0])
        peer.receive_kind(3)
        assert peer.is_silent()


def ended(process):
    """(exit status, figures) of a simulator that has been told to end."""
    said = process.communicate(timeout=ENOUGH_S)[0]
    return process.returncode, figures(said)


def logged_out(process, peer):
    """The same; what the device still reports is acknowledged."""
    while (received := peer.receive())[0] >> 4 == 3:
        acknowledge(peer, received[1])
    assert received[0] >> 4 == 14, "a logout"
    peer.close()
    return ended(process)


def test_an_end_waits_for_a_server_that_acknowledges_slowly():
    with of_one_device("--interval", 0, "--window", 16) as (process, peer):
        reports = [peer.receive_kind(3)[1] for _ in range(16)]
        process.send_signal(signal.SIGINT)
        for report in reports:
            time.sleep(0.5)  # all together longer than an end waits for one
            acknowledge(peer, report)
        status, counted = logged_out(process, peer)
    assert status == 0 and counted["acknowledged"] == counted["sent"] >= 16 and counted["failed"] == 0, counted


def test_an_end_waits_for_what_was_due_by_then():
    with of_one_device("--interval", 0.2) as (process, peer):
        first = peer.receive_kind(3)[1]
        time.sleep(1.1)  # three more are due, wherever the second lay in its interval
        process.send_signal(signal.SIGINT)
        acknowledge(peer, first)
        status, counted = logged_out(process, peer)
    assert status == 0 and counted["acknowledged"] == counted["sent"] >= 4 and counted["failed"] == 0, counted


def test_an_end_does_not_wait_for_a_server_that_acknowledges_nothing():
    with of_one_device("--interval", 0, "--window", 16) as (process, peer):
        for _ in range(16):
            peer.receive_kind(3)
        process.send_signal(signal.SIGINT)
        status, counted = ended(process)
    assert status == 1 and counted["sent"] == counted["failed"] == 16, counted


def test_a_second_signal_ends_the_wait():
    with of_one_device("--interval", 0.001) as (process, peer):
        first = peer.receive_kind(3)[1]
        time.sleep(1)  # a thousand are due
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(Closed, OSError):
            acknowledge(peer, first)
            while True:
                time.sleep(0.1)  # all of them would take much longer
                acknowledge(peer, peer.receive_kind(3)[1])
        status, counted = ended(process)
    assert status == 1 and counted["failed"] > 0, counted


def test_a_device_may_send_more_reports_than_there_are_packet_ids(make_server):
    world = World(make_server("--device-messages", "0", "--device-bytes", "0"))
    status, counted = until(lambda: reports(world.server) > 65535, world, "--devices", 1, "--interval", 0, "--qos", 1,
                            "--window", 2000, "--mqtt-version", "3.1.1")
    assert status == 0 and counted["connected"] == 1 and counted["closed_by_server"] == 0, counted
    assert counted["acknowledged"] == counted["sent"] > 65535


def due(devices, interval, since):
    """How many reports the devices owe since then."""
    return devices * (time.monotonic() - since) / interval


def test_the_rate_is_kept(world):
    online_since = []

    def long_enough():
        if not online_since and len(reporting(world)) == 10:
            online_since.append(time.monotonic())
        return online_since and due(10, 0.2, online_since[0]) >= 100

    began = time.monotonic()
    _, counted = until(long_enough, world, "--devices", 10, "--interval", 0.2)
    assert 100 - 10 <= counted["sent"] <= due(10, 0.2, began) + 2 * 10, "each has its turn within its interval"


def test_it_ends_after_its_duration(world):
    done = run(*sim_arguments(world, "--devices", 1, "--interval", 0.2, "--duration", 1.5))
    assert 1.5 <= figures(done.stdout)["seconds"] < 15, done.stdout + done.stderr


def test_a_stalled_server_does_not_slow_the_measurement_down(make_server):
    server = make_server()
    world = World(server)
    owed = []

    def stalled():
        if len(reporting(world)) < 5:
            return False
        online_since = time.monotonic()
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        server.process.send_signal(signal.SIGCONT)
        owed.append(due(5, 0.2, online_since))
        return True

    status, counted = until(stalled, world, "--devices", 5, "--interval", 0.2, "--qos", 1, "--mqtt-version", "3.1.1")
    assert status == 0 and counted["acknowledged"] > owed[0] - 5, "what was due in the stall is not left out"
    assert counted["max"] > 1000, "it is late"


def test_what_was_due_while_the_server_was_away_is_sent_late(make_server):
    server = make_server()
    world = World(server)
    before, owed = {}, []

    def away():
        if not before and len(reporting(world)) == 3:
            online_since = time.monotonic()
            server.stop()
            server.options = [part for name, (host, port) in server.addresses.items() for part in (f"--{name}", f"{host}:{port}")]
            time.sleep(1)
            owed.append(due(3, 0.2, online_since))
            server.start()
            before.update({d["did"]: stored(world, d["did"]) for d in found(world)})
        return before and len(reporting(world, before)) == 3

    _, counted = until(away, world, "--devices", 3, "--interval", 0.2, "--qos", 1, "--mqtt-version", "3.1.1")
    assert counted["connected"] == 6 and counted["max"] > 500
    assert counted["acknowledged"] + counted["failed"] > owed[0] - 3, "what was due meanwhile is not left out"


def test_without_a_definition_bytes_are_passed_through(world):
    until(lambda: (devices := found(world)) and world.get(f"devices/{devices[0]['did']}/cmd").json["objects"], world,
          "--devices", 1, "--interval", 0.2, "--qos", 1, definition=None)
    device, = found(world)
    assert world.get(f"devices/{device['did']}/cmd").json["objects"][0]["payload"].startswith("000000030c00009106")
    assert world.get(f"devices/{device['did']}/data").json["meta"]["total"] == 0
