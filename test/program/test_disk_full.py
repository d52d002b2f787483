"""A full disk: nothing acknowledged that is not kept, reads go on, and it mends itself."""

import os
import re
import subprocess

import pytest

import registry_file
from mqtt import Closed, Device
from server import ENOUGH_S, Server, run, wait_until
from world import REPORT, World, device_request, request

pytestmark = pytest.mark.embedded("the disk is that of the data directory")


@pytest.fixture
def small_disk(tmp_path):
    mount = tmp_path / "disk"
    mount.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "muster-test", str(mount)], capture_output=True,
                          check=False)
    if done.returncode:
        pytest.skip("mounting a small file system needs root")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def fill(mount):
    """Leaves no byte free."""
    ballast = os.open(mount / "ballast", os.O_WRONLY | os.O_CREAT)
    for size in (65536, 512, 1):
        try:
            while True:
                os.write(ballast, b"\0" * size)
        except OSError:
            pass
    os.close(ballast)


def check_firmware(server, device):
    return device_request(server.http, "POST", f"/dev/ota/v4.1/update_and_check/{device.did}",
                          f"passcode={device.passcode}&type=1&hard_version=h&soft_version=s")[0]


def test_a_full_disk_refuses_writes_keeps_reads_and_mends_itself(small_disk):
    server = Server(small_disk / "data").start()
    try:
        world = World(server)
        device = world.device(level=4)
        kept = 3
        for _ in range(kept):
            device.report(REPORT, qos=1)
        assert world.get(f"devices/{device.did}/data").json["meta"]["total"] == kept
        controlled = world.device(level=4)
        fill(small_disk)

        assert world.control(controlled.did, raw=[1]).error == (500, 5601)  # written, but not in the log
        assert controlled.receive_publish()[1].hex() == "000000030400009001"
        device.publish(f"dev2app/{device.did}", REPORT, qos=1)
        with pytest.raises(Closed):  # not acknowledged: the client shall send it again
            device.receive()
        assert world.get(f"devices/{device.did}/data").json["meta"]["total"] == kept
        assert world.get("devices/search").status == 200
        answer = world.take_token()
        assert answer.status == 500 and answer.json["error_code"] == 500
        assert request(server.http, "GET", "/healthz").status == 503
        late = f"passcode=1&mac=late&product_key={world.product_key}"
        assert device_request(server.http, "POST", "/dev/devices", late)[0] == 503
        assert check_firmware(server, device) == 503
        refused = Device(server.mqtt, device.did, device.passcode, world.product_key, level=4)
        assert refused.connect() == 3  # server unavailable

        os.unlink(small_disk / "ballast")
        wait_until(lambda: request(server.http, "GET", "/healthz").status == 200, what="recovery")
        again = Device(server.mqtt, device.did, device.passcode, world.product_key, level=4).login()
        again.report(REPORT, qos=1)
        assert world.get(f"devices/{device.did}/data").json["meta"]["total"] == kept + 1
        assert world.take_token().status == 201
        assert device_request(server.http, "POST", "/dev/devices", late)[0] == 201
        assert check_firmware(server, device) == 404
        # The session that ended while nothing could be written has its record.
        reasons = [r["payload"].get("reason") for r in world.get(f"devices/{device.did}/online").json["objects"]]
        assert len([r for r in reasons if r]) == 1
    finally:
        assert server.stop() == 0, server.log_text()


def test_a_login_that_finds_the_disk_full_is_refused_and_never_on_record(small_disk):
    server = Server(small_disk / "data").start()
    try:
        world = World(server)
        did, passcode = world.register()
        live = world.device(level=4)
        fill(small_disk)
        for one, code in ((did, passcode), (live.did, live.passcode)):
            assert Device(server.mqtt, one, code, world.product_key, level=4).connect() == 3
        assert b'muster_refused_logins_total{reason="disk_full"} 2' in request(server.ops, "GET", "/metrics").body
        live.ping()  # whoever cannot come in takes nobody's place

        os.unlink(small_disk / "ballast")
        wait_until(lambda: request(server.http, "GET", "/healthz").status == 200, what="recovery")
        again = Device(server.mqtt, did, passcode, world.product_key, level=4).login()
        for one in (again, live):
            assert [row["type"] for row in world.get(f"devices/{one.did}/online").json["objects"]] == ["dev_online"]
    finally:
        assert server.stop() == 0, server.log_text()


def fails_for_lack_of_room(data):
    """The start does, and its check before says the same."""
    done = run("serve", "--check", "--data", data)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"muster serve: less than \d+ MiB free on the disk of \S+\n", done.stderr)
    server = Server(data)
    with pytest.raises(AssertionError, match="muster serve: "):
        server.start()
    assert server.process.wait(ENOUGH_S) == 1


def test_a_full_disk_at_the_start_is_said(small_disk):
    fill(small_disk)
    fails_for_lack_of_room(small_disk / "data")


def test_a_disk_that_has_become_full_before_a_start_is_said(small_disk):
    assert Server(small_disk / "data").start().stop() == 0
    fill(small_disk)
    fails_for_lack_of_room(small_disk / "data")


def test_an_older_registry_needs_room_for_its_checksums_and_says_how_much(small_disk):
    server = Server(small_disk / "data").start()
    try:
        world = World(server)
        device = world.device()
        server.stop()
        registry = small_disk / "data" / "registry.db"
        registry_file.make_plain(registry)
        older = registry.read_bytes()
        fill(small_disk)
        os.truncate(small_disk / "ballast", os.path.getsize(small_disk / "ballast") - (4 << 20))
        with pytest.raises(AssertionError, match=r"muster serve: cannot open .*/registry.db: .* needs \d+ MiB of room"):
            server.start()
        assert registry.read_bytes() == older

        os.unlink(small_disk / "ballast")
        server.start()
        assert world.get(f"devices/{device.did}/data").status == 200
    finally:
        server.kill()
