"""Guessing passcodes over /dev: how many are compared, whom that holds back, and what the operator is told."""

import http.client

import pytest

from mqtt import Device
from server import ENOUGH_S, run
from world import World

A_MINUTE = 10  # wrong ones for a device, by default


@pytest.fixture(scope="module")
def shared_server(make_shared_server):
    """One wrong passcode in ten minutes: none comes back while a test runs, however slow the machine is."""
    return make_shared_server("--device-guesses", "0.1")


def ask(server, method, path, form, source="127.0.0.1", headers=None):
    """(status, text) of a /dev call from an address of this machine."""
    connection = http.client.HTTPConnection(*server.http, timeout=ENOUGH_S, source_address=(source, 0))
    connection.request(method, path, form, headers or {})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def leave(world, did, passcode, **more):
    return ask(world.server, "DELETE", "/dev/devices", f"did={did}&passcode={passcode}", **more)


def check(world, did, passcode, **more):
    return ask(world.server, "POST", f"/dev/ota/v4.1/update_and_check/{did}",
               f"passcode={passcode}&type=1&hard_version=H&soft_version=S", **more)


def register(world, mac, passcode, **more):
    return ask(world.server, "POST", "/dev/devices", f"passcode={passcode}&mac={mac}&product_key={world.product_key}", **more)


def statuses(call, world, name, attempts=3, **more):
    return [call(world, name, f"wrong{n}", **more)[0] for n in range(attempts)]


@pytest.mark.parametrize("call", [leave, check])
def test_guesses_for_a_device_end_in_429(world, call):
    did, _ = world.register()
    assert statuses(call, world, did) == [400, 429, 429]


def test_a_few_mistakes_a_minute_are_nobodys_guesses(make_server):
    """What has come back meanwhile is compared, too."""
    world = World(make_server())
    did, passcode = world.register()
    got = statuses(leave, world, did, 4 * A_MINUTE)
    assert got[:A_MINUTE] == [400] * A_MINUTE and 429 in got
    other, passcode = world.register()
    assert statuses(leave, world, other, A_MINUTE - 1) == [400] * (A_MINUTE - 1)
    assert leave(world, other, passcode)[0] == 200


def test_the_calls_share_one_allowance(world):
    did, _ = world.register(mac="shared")
    statuses(leave, world, did)
    assert check(world, did, "another")[0] == 429
    status, text = register(world, "shared", "another")
    assert status == 429 and "did=" not in text


def test_where_too_many_were_wrong_the_right_one_is_not_told(world):
    did, passcode = world.register()
    statuses(leave, world, did, source="127.0.0.2")
    assert leave(world, did, passcode, source="127.0.0.3") == (429, "too many wrong passcodes")
    assert world.get("devices/search").json["meta"]["total"] == 1


@pytest.mark.parametrize("registration", ["open", "known"])
def test_guesses_by_registering_end_in_429(shared_server, registration):
    """Also where each would be a reset of the module: a new did, and the one before disabled."""
    world = World(shared_server, registration=registration)
    world.import_devices({"mac": "m", "passcode": "secret"})
    first, *others = statuses(register, world, "m", 5)
    assert first == (201 if registration == "open" else 400) and others[-1] == 429
    assert register(world, "m", "secret")[0] == 429
    assert register(world, "other", "secret")[0] == (201 if registration == "open" else 400)


@pytest.mark.parametrize("let_in", ["register", "login", "check"])
def test_strangers_elsewhere_do_not_hold_a_device_back(world, let_in):
    world.import_devices({"mac": "at-home", "passcode": "secret"})
    did = world.get("devices", mac="at-home").json["did"]
    if let_in == "register":
        assert register(world, "at-home", "secret") == (201, f"did={did}")
    elif let_in == "login":
        Device(world.server.mqtt, did, "secret", world.product_key, 4).login().disconnect()
    else:
        assert check(world, did, "secret")[0] == 404
    assert statuses(leave, world, did, source="127.0.0.2") == [400, 429, 429]
    assert check(world, did, "secret", source="127.0.0.2")[0] == 429
    assert register(world, "at-home", "secret", source="127.0.0.2")[0] == 429
    assert check(world, did, "secret")[0] == 404
    assert register(world, "at-home", "secret") == (201, f"did={did}")
    assert leave(world, did, "secret")[0] == 200


def test_logins_are_not_held_back_and_make_an_address_the_devices(world):
    did, passcode = world.register(mac="moved")
    statuses(leave, world, did, source="127.0.0.2")
    assert check(world, did, passcode, source="127.0.0.3")[0] == 429
    Device(world.server.mqtt, did, passcode, world.product_key, 4).login().disconnect()
    assert check(world, did, passcode)[0] == 404


def test_right_passcodes_do_not_count(world):
    did, passcode = world.register()
    for _ in range(5):
        assert check(world, did, passcode)[0] == 404


def test_one_devices_guesses_are_not_anothers(world):
    did, (other, passcode) = world.register(mac="one")[0], world.register(mac="two")
    statuses(leave, world, did)
    assert check(world, other, passcode)[0] == 404


def test_guesses_from_one_address_for_many_devices_end_in_429(make_server):
    world = World(make_server("--trusted-proxies", "127.0.0.0/8", "--address-guesses", "0.1"))
    devices = [world.register(mac=f"m{n}") for n in range(3)]
    here, there = {"X-Forwarded-For": "203.0.113.5"}, {"X-Forwarded-For": "203.0.113.6"}
    assert [leave(world, did, "wrong", headers=here)[0] for did, _ in devices] == [400, 429, 429]
    assert leave(world, *devices[0], headers=here)[0] == 429
    assert leave(world, *devices[0], headers=there)[0] == 200


def test_no_limit_is_no_limit(make_server):
    world = World(make_server("--device-guesses", "0"))
    did, _ = world.register()
    assert set(statuses(leave, world, did, 3 * A_MINUTE)) == {400}


def test_the_operator_is_told(world):
    did, _ = world.register(mac="guessed")
    statuses(check, world, did, 4)
    register(world, "guessed", "wrong")
    shown = run("device", "--data", world.server.data, did).stdout
    assert "firmware check: wrong passcode  from 127.0.0.1" in shown
    assert "firmware check: too many wrong passcodes  from 127.0.0.1, 3 times since" in shown
    assert "register: too many passcodes for this mac  from 127.0.0.1" in shown
