"""GET devices and device_detail: the device that has a mac."""

import pytest

from mqtt import Device
from server import wait_until
from world import World

CALLS = ["devices", "device_detail"]


@pytest.mark.parametrize("call", CALLS)
def test_an_unknown_mac_is_5301(world, call):
    world.register(mac="known")
    assert world.get(call, mac="unknown").error == (404, 5301)


@pytest.mark.parametrize("call", CALLS)
def test_the_mac_is_required(world, call):
    answer = world.get(call)
    assert answer.error == (400, 5002) and "mac" in answer.json["detail_message"]


@pytest.mark.parametrize("call", CALLS)
def test_a_mac_is_case_sensitive(world, call):
    lower, _ = world.register(mac="accf2350d446")
    upper, _ = world.register(mac="ACCF2350D446")
    assert lower != upper
    assert world.get(call, mac="accf2350d446").json["did"] == lower
    assert world.get(call, mac="ACCF2350D446").json["did"] == upper
    assert world.get(call, mac="Accf2350d446").error == (404, 5301)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("mac", ["virtual:site", "864396040123456", "a+b", "a%2Fb", "a&b=c", "m" * 64, "a#?/b", "%"])
def test_any_printable_text_can_be_a_mac(world, call, mac):
    world.import_devices({"mac": mac})
    assert world.get(call, mac=mac).status == 200


@pytest.mark.parametrize("call", CALLS)
def test_the_latest_registration_of_a_mac_counts(world, call):
    world.register(mac="m", passcode="first")
    second, _ = world.register(mac="m", passcode="second")
    assert world.get(call, mac="m").json["did"] == second


@pytest.mark.parametrize("call", CALLS)
def test_a_registration_that_came_back_counts_again(world, call):
    first, _ = world.register(mac="m", passcode="first")
    world.register(mac="m", passcode="second")
    assert world.register(mac="m", passcode="first")[0] == first
    assert world.get(call, mac="m").json["did"] == first


@pytest.mark.parametrize("call", CALLS)
def test_another_products_mac_is_another_device(world, shared_server, call):
    other = World(shared_server)
    ours, theirs = world.register(mac="m")[0], other.register(mac="m")[0]
    assert (world.get(call, mac="m").json["did"], other.get(call, mac="m").json["did"]) == (ours, theirs)


def test_a_disabled_device_is_found_and_says_so(world):
    world.import_devices({"mac": "m", "is_disabled": True})
    assert world.get("devices", mac="m").status == 200
    assert world.get("device_detail", mac="m").json["is_disabled"] is True


def test_the_detail_tells_whether_it_is_online(world):
    did, passcode = world.register(mac="m")
    device = Device(world.server.mqtt, did, passcode, world.product_key, 4).login()
    assert world.get("device_detail", mac="m").json["is_online"] is True
    device.disconnect()
    wait_until(lambda: world.get("device_detail", mac="m").json["is_online"] is False)


@pytest.mark.parametrize("kind", ["normal", "center_control", "sub_dev", "bluetooth"])
def test_the_detail_tells_the_type(world, kind):
    world.import_devices({"mac": "m", "type": kind})
    assert world.get("device_detail", mac="m").json["type"] == kind


def test_an_imported_device_keeps_its_passcode(world):
    did = "abcdefghijkmnopqrstuvw"
    world.import_devices({"mac": "m", "did": did, "passcode": "0123456789" * 3 + "ab"})
    assert world.get("devices", mac="m").json == {"did": did, "passcode": "0123456789" * 3 + "ab"}


def test_importing_again_changes_nothing_that_is_not_said(world):
    world.import_devices({"mac": "m", "passcode": "p", "type": "bluetooth"})
    before = world.get("devices", mac="m").json, world.get("device_detail", mac="m").json
    world.import_devices({"mac": "m", "city": "Guangzhou"})
    assert (world.get("devices", mac="m").json, world.get("device_detail", mac="m").json) == before
