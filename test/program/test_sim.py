"""The simulator against the server: it is the demo's fleet and the benchmarks' load."""

import re
import signal
import socket
import subprocess
import time

import pytest

from mqtt import Device, packet
from server import BINARY, PATIENCE, run, wait_until
from world import DATAPOINTS, World


def sim_arguments(world, *arguments, definition="air-conditioner"):
    return ["sim", "--http", "http://%s:%d" % world.server.http, "--product-key", world.product_key, "--definition",
            f"{DATAPOINTS}/{definition}.json", *map(str, arguments)]


def figures(text):
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", text)}


def test_it_counts_what_the_server_has_stored(world):
    done = run(*sim_arguments(world, "--devices", 20, "--interval", 0.5, "--qos", 1, "--duration", 3))
    assert done.returncode == 0, done.stdout + done.stderr
    counted = figures(done.stdout)
    assert counted["connected"] == 20 and counted["failed"] == 0
    assert counted["acknowledged"] == counted["sent"] >= 20
    assert 0 < counted["p50"] <= counted["p99"] <= counted["max"]
    devices = world.get("devices/search", limit=100).json
    assert devices["meta"]["total"] == 20
    stored = sum(world.get(f"devices/{d['did']}/data", limit=0).json["meta"]["total"] for d in devices["objects"])
    assert stored == counted["sent"]


def test_a_second_run_meets_the_same_devices(world):
    for _ in range(2):
        assert run(*sim_arguments(world, "--devices", 5, "--interval", 1, "--duration", 1)).returncode == 0
    assert world.get("devices/search", show_disabled=1).json["meta"]["total"] == 5


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
        process.communicate(timeout=20 * PATIENCE)


@pytest.mark.parametrize("definition", ["doser", "heater", "pet-feeder", "ph-meter", "plug", "power-meter", "wavemaker"])
def test_devices_of_every_kind_are_decoded(shared_server, definition):
    world = World(shared_server, datapoint=definition)
    done = run(*sim_arguments(world, "--devices", 3, "--interval", 0.5, "--qos", 1, "--duration", 1.5, definition=definition))
    assert done.returncode == 0, done.stdout + done.stderr
    for device in world.get("devices/search").json["objects"]:
        decoded, all_messages = (world.get(f"devices/{device['did']}/{call}", limit=0).json["meta"]["total"] for call in ("data", "cmd"))
        assert decoded == all_messages > 0


def test_without_a_server_it_fails_and_says_so(world, shared_server):
    done = run("sim", "--http", "http://127.0.0.1:1", "--product-key", world.product_key, "--definition",
               f"{DATAPOINTS}/plug.json", "--devices", 1, "--duration", 0.5)
    assert done.returncode == 1 and "connected=0" in done.stdout


def test_thousands_of_devices_fit_into_one_process(make_server):
    server = make_server()
    world = World(server)
    done = run(*sim_arguments(world, "--devices", 2000, "--interval", 10, "--qos", 1, "--duration", 12, "--connect-rate", 1000),
               timeout=120)
    counted = figures(done.stdout)
    assert done.returncode == 0 and counted["connected"] == 2000 and counted["acknowledged"] >= 2000, done.stdout
    assert world.get("devices/search").json["meta"]["total"] == 2000


def test_the_rate_is_kept(world):
    done = run(*sim_arguments(world, "--devices", 10, "--interval", 0.2, "--duration", 4))
    counted = figures(done.stdout)
    assert 10 * 4 / 0.2 * 0.5 < counted["sent"] <= 10 * (4 / 0.2 + 2)


@pytest.mark.parametrize("options,in_flight", [([], 1), (["--window", "7"], 7)])
def test_a_device_waits_for_an_acknowledgement_before_its_next_report(options, in_flight):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen([BINARY, "sim", "--plain-broker", "--mqtt", "127.0.0.1:%d" % listener.getsockname()[1],
                                    "--product-key", "0" * 32, "--devices", "1", "--interval", "0", "--qos", "1", *options],
                                   stdout=subprocess.DEVNULL)
        try:
            listener.settimeout(20 * PATIENCE)
            peer = Device(None, "", "", "", sock=listener.accept()[0])
            assert peer.receive()[0] >> 4 == 1
            peer.send(b"\x20\2\0\0")
            for _ in range(3):
                peer.send(packet(0x90, peer.receive_kind(8)[1][:2] + b"\0"))
            reports = [peer.receive_kind(3)[1] for _ in range(in_flight)]
            assert peer.is_silent()
            id_at = 2 + int.from_bytes(reports[0][:2], "big")
            peer.send(packet(0x40, reports[0][id_at:id_at + 2]))
            peer.receive_kind(3)
            assert peer.is_silent()
        finally:
            process.kill()
            process.wait()


def test_a_device_may_send_more_reports_than_there_are_packet_ids(make_server):
    world = World(make_server("--device-messages", "0", "--device-bytes", "0"))
    done = run(*sim_arguments(world, "--devices", 1, "--interval", 0, "--qos", 1, "--window", 2000, "--mqtt-version", "3.1.1",
                              "--duration", 4 * PATIENCE))
    counted = figures(done.stdout)
    assert done.returncode == 0 and counted["connected"] == 1 and counted["closed_by_server"] == 0, done.stdout
    assert counted["acknowledged"] == counted["sent"] > 65535


def test_a_stalled_server_does_not_slow_the_measurement_down(make_server):
    server = make_server()
    world = World(server)
    process = subprocess.Popen([BINARY, *sim_arguments(world, "--devices", 5, "--interval", 0.2, "--qos", 1, "--duration", 4,
                                                       "--mqtt-version", "3.1.1")], stdout=subprocess.PIPE, text=True)
    wait_until(lambda: world.get("devices/search", is_online=1).json["meta"]["total"] == 5)
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    server.process.send_signal(signal.SIGCONT)
    counted = figures(process.communicate(timeout=30 * PATIENCE)[0])
    assert counted["max"] > 1000, "what was due in the stall is late"
    assert counted["sent"] >= 5 * 4 / 0.2 * 0.85, "and is not left out"


def test_what_was_due_while_the_server_was_away_is_sent_late(make_server):
    server = make_server("--http", "127.0.0.1:0")
    world = World(server)
    http, mqtt = ("127.0.0.1:%d" % address[1] for address in (server.http, server.mqtt))
    process = subprocess.Popen([BINARY, *sim_arguments(world, "--devices", 3, "--interval", 0.2, "--qos", 1, "--duration", 7,
                                                       "--mqtt-version", "3.1.1")], stdout=subprocess.PIPE, text=True)
    wait_until(lambda: world.get("devices/search", is_online=1).json["meta"]["total"] == 3)
    server.stop()
    server.options = ["--http", http, "--mqtt", mqtt]
    time.sleep(0.5)
    server.start()
    counted = figures(process.communicate(timeout=30 * PATIENCE)[0])
    assert counted["connected"] == 6 and counted["max"] > 500
    assert counted["acknowledged"] >= 3 * 7 / 0.2 * 0.8


def test_without_a_definition_bytes_are_passed_through(world):
    done = run("sim", "--http", "http://%s:%d" % world.server.http, "--product-key", world.product_key, "--devices", 2,
               "--interval", 0.5, "--qos", 1, "--duration", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    device = world.get("devices/search").json["objects"][0]
    assert world.get(f"devices/{device['did']}/cmd").json["objects"][0]["payload"].startswith("000000030c00009106")
    assert world.get(f"devices/{device['did']}/data").json["meta"]["total"] == 0
