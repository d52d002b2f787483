"""muster kick: ends a session now, says so in the audit log, and leaves the device free to come back."""

import json

import pytest

from mqtt import Closed
from server import run, wait_until
from world import World


def kick(world, name):
    return run("kick", "--data", world.server.data, name)


def test_a_kicked_device_is_offline_when_the_command_returns_and_may_come_back(world):
    device = world.device(level=4)
    result = kick(world, device.did)
    assert (result.returncode, result.stderr) == (0, "")
    assert device.did in result.stdout and world.product_key in result.stdout
    device.expect_closed()
    newest = world.online_log_once_ended(device.did)[0]
    assert (newest["type"], newest["payload"]["reason"]) == ("dev_offline", "offline_reset")
    again = world.device(level=4, registered=(device.did, device.passcode))
    again.ping()


def test_a_client_of_mqtt_5_is_told_that_it_was_an_administrative_action(world):
    device = world.device(level=5)
    assert kick(world, device.did).returncode == 0
    first, body = device.receive()
    assert (first, body[0]) == (0xE0, 0x98)
    with pytest.raises(Closed):
        device.receive()


@pytest.mark.parametrize("form", ["{pk}/{mac}", "{mac}"])
def test_a_device_is_named_as_people_name_it(world, form):
    device = world.device(level=4, mac="kick" + world.product_key[:20])
    assert kick(world, form.format(pk=world.product_key, mac="kick" + world.product_key[:20])).returncode == 0
    device.expect_closed()


def test_a_device_that_is_not_connected_is_said_so_with_status_1(world):
    did, _ = world.register()
    result = kick(world, did)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"muster kick: device {did} is not connected\n"


def test_an_unknown_device_is_said_so_with_status_2(world):
    result = kick(world, "x" * 22)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "muster kick: no device has this did or mac\n"


def test_a_mac_of_several_products_kicks_none_of_them(world, shared_server):
    other, mac = World(shared_server), "twice" + world.product_key[:10]
    devices = [each.device(level=4, mac=mac) for each in (world, other)]
    result = kick(world, mac)
    assert result.returncode == 2 and "PRODUCT_KEY/MAC" in result.stderr
    for device in devices:
        device.ping()


def test_on_a_directory_at_rest_nobody_is_connected(make_server):
    server = make_server()
    server.stop()
    result = run("kick", "--data", server.data, "x" * 22)
    assert result.returncode == 1 and "no server runs" in result.stderr


def test_who_kicked_whom_is_in_the_audit_log(world):
    device = world.device(level=4)
    did, _ = world.register()
    assert kick(world, device.did).returncode == 0 and kick(world, did).returncode == 1

    def entries(of):
        result = run("audit", "--data", world.server.data, "--id", of, "--json")
        return [row for row in map(json.loads, result.stdout.splitlines()) if row["action"] == "kick"]

    found = wait_until(lambda: entries(device.did))
    assert [(row["command"], row["kind"], row["id"], row["error_code"]) for row in found] == [("kick", "device", device.did, None)]
    assert not entries(did)
