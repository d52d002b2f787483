"""docs/metrics.md and the page hold each other: every metric with its type, labels and reasons. And what an operator
asks for first: the process, room on disk, backups, refusals."""

import os
import re
import shutil
import subprocess
import time

import pytest

from metricspage import read
from mqtt import Device
from server import run, wait_until
from test_tls import write_certificate
from world import REPORT, World, device_request

MANUAL = os.path.join(os.path.dirname(__file__), "../../docs/metrics.md")
MEASURED_S = 10  # so often sizes, descriptors and the last backup are measured


def rows(columns):
    """The cells of the manual's tables that have so many columns, without their heads."""
    with open(MANUAL, encoding="utf-8") as f:
        lines = [line.strip().strip("|").split("|") for line in f if line.startswith("| `")]
    return [[cell.strip() for cell in cells] for cells in lines if len(cells) == columns]


def names(cell):
    return set(re.findall(r"`(\w+)`", cell))


@pytest.fixture(scope="module")
def everything(make_shared_server, tmp_path_factory):
    """A page with every metric: of a server with TLS, after one of each thing that makes a line of its own."""
    directory = tmp_path_factory.mktemp("certificate")
    write_certificate(directory, "first.example.test")
    server = make_shared_server("--https", "127.0.0.1:0", "--tls-cert", str(directory / "cert.pem"), "--tls-key",
                                str(directory / "key.pem"))
    world = World(server)
    world.get("devices/search")
    world.device(level=4).report(REPORT[:-1], qos=1)
    wait_until(lambda: read(server).sum("undecoded_reports_total"))
    return read(server)


# --- the manual -----------------------------------------------------------------------------------------------

@pytest.mark.embedded("those of files are missing")
def test_every_metric_is_in_the_manual_with_its_type_and_labels_and_no_other(everything):
    labels = {name: set() for name in everything.kinds}
    for sample, pairs in everything.samples:
        family = sample if sample in labels else re.sub("_(bucket|sum|count)$", "", sample)
        labels[family] |= {label for label, _ in pairs} - ({"le"} if family != sample else set())
    documented = [row for row in rows(5) if not row[0].startswith("`muster_node")]  # test/cluster has those
    assert len(documented) == len({row[0] for row in documented}), "a metric stands there twice"
    assert {row[0].strip("`"): (row[1], names(row[2])) for row in documented} == \
        {name: (everything.kinds[name], found) for name, found in labels.items()}


def test_every_reason_of_a_refusal_is_in_the_manual_and_no_other(everything):
    found = {(name, value) for name, pairs in everything.samples for label, value in pairs
             if label == "reason" and name.startswith("muster_refused_")}
    assert {(row[0].strip("`"), row[1].strip("`")) for row in rows(3) if row[1].startswith("`")} == found


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_finds_nothing_to_say(everything):
    result = subprocess.run(["promtool", "check", "metrics"], input=everything.text, capture_output=True, text=True,
                            check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_without_tls_there_is_no_end_of_a_certificate(server):
    assert "muster_tls_certificate_not_after_seconds" not in read(server).kinds


# --- the process ----------------------------------------------------------------------------------------------

def test_the_process_is_told_as_proc_tells_it(world):
    pid, page = world.server.process.pid, read(world.server)
    with open(f"/proc/{pid}/limits", encoding="ascii") as f:
        limit = int(re.search(r"Max open files +(\d+)", f.read())[1])
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        resident = int(re.search(r"VmRSS:\s+(\d+) kB", f.read())[1]) * 1024
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    used, ticks = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK"), int(fields[19])
    with open("/proc/stat", encoding="ascii") as f:
        booted = int(re.search(r"btime (\d+)", f.read())[1])
    assert page.samples["process_max_fds", frozenset()] == limit
    assert resident / 2 < page.samples["process_resident_memory_bytes", frozenset()] < resident * 2
    assert page.samples["process_virtual_memory_bytes", frozenset()] > resident
    started = page.samples["process_start_time_seconds", frozenset()]
    assert abs(started - (booted + ticks / os.sysconf("SC_CLK_TCK"))) <= 2
    assert 0 < page.samples["process_cpu_seconds_total", frozenset()] <= used + 0.1


def test_cpu_time_grows_with_work(world):
    def used():
        return read(world.server).samples["process_cpu_seconds_total", frozenset()]
    start = used()
    wait_until(lambda: used() > start, what="CPU time to grow")


def test_open_descriptors_follow_connections(world):
    def count():
        return read(world.server).samples["process_open_fds", frozenset()]
    start = count()
    assert start > 10
    # Logged in: a connection that is not may be over when they are counted.
    devices = [Device(world.server.mqtt, *world.register(), world.product_key, 4).login() for _ in range(100)]
    wait_until(lambda: count() >= start + 90, seconds=10 * MEASURED_S, what="a hundred more descriptors")
    for device in devices:
        device.close()


# --- the data directory -----------------------------------------------------------------------------------

def bytes_in(directory):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, files in os.walk(directory) for name in files
               if name != "control.sock")


@pytest.mark.embedded("of files")
def test_the_size_of_each_store_is_that_of_its_files(make_server):
    server = make_server()
    server.stop()
    os.makedirs(os.path.join(server.data, "damaged-1/journal"))
    with open(os.path.join(server.data, "damaged-1/journal/old.sst"), "wb") as f:
        f.write(bytes(3_000_000))
    server.start()
    page = read(server)
    sizes = {store: page.get("store_size_bytes", store=store) for store in ("registry", "journal", "other")}
    whole = bytes_in(server.data)
    assert 3_000_000 <= sizes["other"] < 3_100_000
    assert sizes["registry"] > 10_000 and sizes["journal"] > 0
    assert abs(sum(sizes.values()) - whole) < 1_000_000, (sizes, whole)


@pytest.mark.embedded("of files")
def test_the_room_on_the_disk_is_what_the_system_says(world):
    disk, page = os.statvfs(world.server.data), read(world.server)
    assert page.get("disk_size_bytes") == disk.f_blocks * disk.f_frsize
    assert abs(page.get("disk_free_bytes") - disk.f_bavail * disk.f_frsize) < page.get("disk_size_bytes") / 10


@pytest.mark.embedded("backups are of directories")
def test_the_last_backup_is_known_while_it_runs_after_a_restart_and_of_one_at_rest(make_server, tmp_path):
    server = make_server()
    assert read(server).get("last_backup_timestamp_seconds") == 0
    start = int(time.time())
    assert run("backup", "--data", server.data, tmp_path / "first").returncode == 0
    wait_until(lambda: read(server).get("last_backup_timestamp_seconds") >= start, seconds=10 * MEASURED_S)
    first = read(server)
    assert first.get("last_backup_size_bytes") > 10_000
    server.restart()
    assert read(server).get("last_backup_timestamp_seconds") == first.get("last_backup_timestamp_seconds")
    server.stop()
    wait_until(lambda: time.time() >= first.get("last_backup_timestamp_seconds") + 1)
    assert run("backup", "--data", server.data, tmp_path / "second").returncode == 0
    server.start()
    assert read(server).get("last_backup_timestamp_seconds") > first.get("last_backup_timestamp_seconds")


@pytest.mark.embedded("backups are of directories")
def test_a_backup_that_fails_is_not_the_last_one(make_server, tmp_path):
    server = make_server()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file").touch()
    assert run("backup", "--data", server.data, tmp_path / "taken").returncode != 0
    server.restart()
    assert read(server).get("last_backup_timestamp_seconds") == 0


def test_commits_of_the_registry_are_timed(world):
    before = read(world.server)
    world.register()
    page = read(world.server)
    assert page.get("registry_commit_duration_seconds_count") > before.get("registry_commit_duration_seconds_count")
    assert page.get("registry_commit_duration_seconds_sum") > before.get("registry_commit_duration_seconds_sum")
    assert page.get("registry_commit_failures_total") == 0


# --- refusals ---------------------------------------------------------------------------------------------

def login_with_a_wrong_passcode(world):
    did, _ = world.register()
    assert Device(world.server.mqtt, did, "wrong", world.product_key, 4).connect() != 0


def login_of_a_disabled_device(world):
    did, passcode = world.register()
    assert run("disable", "--data", world.server.data, "device", did).returncode == 0
    assert Device(world.server.mqtt, did, passcode, world.product_key, 4).connect() != 0


def something_else_than_mqtt(world):
    device = Device(world.server.mqtt, "x" * 22, "p", world.product_key, 4)
    device.send(b"\xc0\x00")
    device.expect_closed()


def registration_of_an_unknown_product(world):
    assert device_request(world.server.http, "POST", "/dev/devices",
                          f"mac=m&passcode=p&product_key={'0' * 32}")[0] == 404


def provision_of_an_unknown_did(world):
    assert device_request(world.server.http, "GET", f"/dev/devices/{'y' * 22}")[0] == 404


@pytest.mark.parametrize("door, reason, refused", [
    ("logins", "wrong_passcode", login_with_a_wrong_passcode),
    ("logins", "disabled", login_of_a_disabled_device),
    ("logins", "no_mqtt", something_else_than_mqtt),
    ("registrations", "unknown_product", registration_of_an_unknown_product),
    ("device_requests", "provision_unknown_did", provision_of_an_unknown_did)])
def test_a_refusal_is_counted_by_its_reason_and_no_other(world, door, reason, refused):
    before = read(world.server)
    refused(world)

    def risen():
        page = read(world.server)
        return {(name, *pairs): value - before.samples[name, pairs] for (name, pairs), value in page.samples.items()
                if name.startswith("muster_refused_") and value > before.samples[name, pairs]}

    assert wait_until(risen) == {(f"muster_refused_{door}_total", ("reason", reason)): 1}
