"""/dev: registering, provisioning, firmware checks, leaving; each answer in one segment."""

import json
import socket

import pytest

from mqtt import Closed, Device
from world import World, device_request, hex_id

HTTP_LIMIT = 1024


def register(world, body):
    return device_request(world.server.http, "POST", "/dev/devices", body)


def leave(world, did, passcode):
    return device_request(world.server.http, "DELETE", "/dev/devices", f"did={did}&passcode={passcode}")


def check(world, did, body):
    return device_request(world.server.http, "POST", f"/dev/ota/v4.1/update_and_check/{did}", body)


def test_the_same_mac_and_passcode_get_the_same_did(world):
    assert world.register(mac="a1", passcode="p") == world.register(mac="a1", passcode="p")


def test_another_passcode_is_a_new_did_and_disables_the_old_one(world):
    old, _ = world.register(mac="a2", passcode="before")
    new, _ = world.register(mac="a2", passcode="after")
    assert old != new
    assert world.get("devices", mac="a2").json["did"] == new
    assert [d["did"] for d in world.get("devices/search").json["objects"]] == [new]
    assert {d["did"] for d in world.get("devices/search", show_disabled=1).json["objects"]} == {old, new}
    assert Device(world.server.mqtt, old, "before", world.product_key, 4).connect() == 5


def test_a_reset_ends_the_old_dids_session(world):
    device = world.device(level=4, registered=world.register(mac="a3", passcode="before"))
    world.register(mac="a3", passcode="after")
    device.expect_closed()
    end = world.online_log_once_ended(device.did)[0]
    assert end["payload"]["reason"] == "offline_reset"


def test_the_mac_is_not_url_decoded(world):
    did, _ = world.register(mac="a%20b+c")
    assert world.get("devices", mac="a%20b+c").json["did"] == did


def test_the_answers_are_what_the_firmware_reads(world):
    did, passcode = world.register()
    status, head, body = device_request(world.server.http, "GET", f"/dev/devices/{did}")
    assert status == 200 and len(head) + 4 + len(body) < HTTP_LIMIT
    assert "transfer-encoding" not in head.lower() and "content-length" in head.lower()
    assert body.count("&") == 5
    status, head, _ = leave(world, did, passcode)
    assert status == 200 and len(head) < HTTP_LIMIT


def test_the_host_of_the_request_is_named(world):
    did, _ = world.register()
    with socket.create_connection(world.server.http) as s:
        s.sendall(f"GET /dev/devices/{did} HTTP/1.1\r\nHost:api.example.test:80\r\n\r\n".encode())
        assert b"host=api.example.test&port=%d&" % world.server.mqtt[1] in s.recv(1024)


def test_the_operator_can_say_where_the_broker_is(make_server):
    world = World(make_server("--mqtt-advertise", "mqtt.example.test:8883"))
    did, _ = world.register()
    assert "host=mqtt.example.test&port=8883&" in device_request(world.server.http, "GET", f"/dev/devices/{did}")[2]


@pytest.mark.parametrize("body", [
    "", "mac=m&product_key={pk}", "passcode=p&product_key={pk}", "passcode=p&mac=m", "passcode=&mac=m&product_key={pk}",
    "passcode=p&mac=&product_key={pk}", "passcode=p&mac=m&product_key=short", "&&&", "passcode", "=",
    "passcode=" + "p" * 33 + "&mac=m&product_key={pk}", "passcode=p&mac=" + "m" * 65 + "&product_key={pk}",
    "passcode=p&mac=a\tb&product_key={pk}", "passcode=p&mac=a b&product_key={pk}",
])
def test_a_malformed_form_is_refused_and_nothing_is_stored(world, body):
    status, _, text = register(world, body.replace("{pk}", world.product_key))
    assert 400 <= status < 500 and text
    assert world.get("devices/search", show_disabled=1).json["meta"]["total"] == 0


def test_an_unknown_product_gets_no_did(world):
    status, _, text = register(world, f"passcode=p&mac=m&product_key={hex_id()}")
    assert status == 404 and "did=" not in text


def test_the_longest_mac_and_passcode_are_taken(world):
    did, passcode = world.register(mac="m" * 64, passcode="p" * 32)
    assert world.get("devices", mac="m" * 64).json == {"did": did, "passcode": "p" * 32}
    Device(world.server.mqtt, did, passcode, world.product_key, 4).login()


def test_unknown_dids_are_404(world):
    assert device_request(world.server.http, "GET", "/dev/devices/" + "x" * 22)[0] == 404
    assert device_request(world.server.http, "GET", "/dev/nothing")[0] == 404
    assert leave(world, "x" * 22, "p")[0] == 404
    assert check(world, "x" * 22, "passcode=p&type=1&hard_version=1&soft_version=1")[0] == 404


def test_a_wrong_method_is_405_with_allow(world):
    status, head, _ = device_request(world.server.http, "PUT", "/dev/devices")
    assert status == 405 and "allow:" in head.lower()


def test_leaving_disables_and_ends_the_session(world):
    device = world.device(level=4)
    assert leave(world, device.did, device.passcode)[0] == 200
    device.expect_closed()
    end = world.online_log_once_ended(device.did)[0]
    assert end["payload"]["reason"] == "offline_reset"
    assert world.get("devices/search").json["meta"]["total"] == 0
    assert world.get("devices/search", show_disabled=1).json["objects"][0]["did"] == device.did


def test_a_wrong_passcode_changes_nothing(world):
    did, passcode = world.register()
    assert 400 <= leave(world, did, "wrong")[0] < 500
    assert 400 <= check(world, did, "passcode=wrong&type=1&hard_version=H&soft_version=S")[0] < 500
    row = world.get("devices/search").json["objects"][0]
    assert row["did"] == did and row["wifi_soft_version"] is None
    Device(world.server.mqtt, did, passcode, world.product_key, 4).login()


def test_registering_a_disabled_did_again_enables_it(world):
    did, passcode = world.register(mac="a9")
    assert leave(world, did, passcode)[0] == 200
    assert world.register(mac="a9") == (did, passcode)
    Device(world.server.mqtt, did, passcode, world.product_key, 4).login()


def test_the_firmware_check_answers_404_and_keeps_the_versions(world):
    did, passcode = world.register()
    assert check(world, did, f"passcode={passcode}&type=1&hard_version=WH1&soft_version=WS1")[0] == 404
    assert check(world, did, f"passcode={passcode}&type=2&hard_version=MH2&soft_version=MS2")[0] == 404
    row = world.get("devices/search").json["objects"][0]
    assert {k: v for k, v in row.items() if "version" in k} == {
        "wifi_hard_version": "WH1", "wifi_soft_version": "WS1", "mcu_hard_version": "MH2", "mcu_soft_version": "MS2"}


def test_versions_survive_a_restart(make_server):
    server = make_server()
    world = World(server)
    did, passcode = world.register()
    check(world, did, f"passcode={passcode}&type=2&hard_version=MH2&soft_version=MS2")
    server.kill()
    server.start()
    assert world.get("devices/search").json["objects"][0]["mcu_soft_version"] == "MS2"


@pytest.mark.parametrize("body", ["", "passcode={p}", "passcode={p}&type=3&hard_version=a&soft_version=b",
                                  "passcode={p}&type=1&hard_version=" + "v" * 65 + "&soft_version=b"])
def test_a_malformed_firmware_check_is_400(world, body):
    did, passcode = world.register()
    status, _, text = check(world, did, body.replace("{p}", passcode))
    assert status == 400 and text


def test_a_product_can_accept_known_devices_only(shared_server):
    world = World(shared_server, registration="known")
    shared_server.apply({"devices": [{"product_key": world.product_key, "mac": "known", "passcode": "secret"}]})
    assert world.register(mac="known", passcode="secret")
    for mac, passcode in (("known", "other"), ("stranger", "secret")):
        status, _, text = register(world, f"passcode={passcode}&mac={mac}&product_key={world.product_key}")
        assert 400 <= status < 500 and "5207" in text
    assert world.get("devices/search", show_disabled=1).json["meta"]["total"] == 1


def test_registrations_per_product_are_limited(make_server):
    world = World(make_server("--product-registrations", "3"))
    statuses = [register(world, f"passcode=p&mac=m{n}&product_key={world.product_key}")[0] for n in range(6)]
    assert statuses == [201, 201, 201, 429, 429, 429]
    assert world.get("devices/search").json["meta"]["total"] == 3


def test_an_imported_device_registers_with_its_did(world, shared_server):
    did = "abcdefghijkmnopqrstuvw"
    shared_server.apply({"devices": [{"product_key": world.product_key, "mac": "imported", "did": did, "passcode": "pw"}]})
    assert world.register(mac="imported", passcode="pw") == (did, "pw")


def test_a_request_in_pieces_and_without_blanks_is_understood(world):
    body = f"passcode=p&mac=piecewise&product_key={world.product_key}"
    data = f"POST /dev/devices HTTP/1.1\r\nHost:x\r\nContent-Length:{len(body)}\r\n\r\n{body}".encode()
    with socket.create_connection(world.server.http) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            s.sendall(bytes([byte]))
        assert s.recv(1024).startswith(b"HTTP/1.1 201 ")


def test_registration_is_json_free(world):
    status, _, _ = register(world, json.dumps({"passcode": "p", "mac": "m", "product_key": world.product_key}))
    assert status == 400


def test_a_login_right_after_the_201_works(world):
    for number in range(20):
        did, passcode = world.register(mac=f"quick{number}")
        try:
            Device(world.server.mqtt, did, passcode, world.product_key, 3).login().close()
        except Closed:
            pytest.fail("refused")
