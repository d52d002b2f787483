"""muster device: what the operator is told of a device that is, or is not, connected."""

import socket
import ssl
import subprocess

import pytest

from mqtt import Closed, Device
from server import ENOUGH_S, run, wait_until
from world import REPORT, World, device_request, hex_id


def show(server, name, status=0):
    done = run("device", "--data", server.data, name)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


def lines(text, label):
    """Those of a label, and those that go on below it."""
    found, inside = [], False
    for line in text.splitlines():
        inside = line.startswith(label.ljust(16)) or (inside and line.startswith(" " * 16))
        if inside:
            found.append(line[16:])
    return found


def is_refused(server, did, passcode, product_key=""):
    device = Device(server.mqtt, did, passcode, product_key, 4)
    with pytest.raises((AssertionError, Closed)):
        device.login()
    device.close()


def test_a_connected_device_is_shown_with_its_session_state_and_last_records(shared_server, world):
    device = world.device("mac-shown", level=4)
    device.report(REPORT, qos=1)
    device.ping()
    text = show(shared_server, device.did)
    assert lines(text, "state") == ["online"]
    session, listens = lines(text, "session")
    assert session.startswith("MQTT 3.1.1 from 127.0.0.1 for ") and "1 heartbeats" in session
    assert "listens to controls, 0 waiting; 0 messages not acknowledged yet" == listens
    assert lines(text, "mac") == ["mac-shown"] and lines(text, "disabled") == ["no"]
    assert lines(text, "product") == [f"{world.product_key} Test product"]
    assert "dev_online" in lines(text, "online log")[0]
    assert f"dev2app  {len(REPORT)} bytes, decoded  {REPORT.hex()}" in lines(text, "messages")[0]
    assert "123456" not in text.replace(device.did, ""), "the passcode is nobody's business"


@pytest.mark.parametrize("keepalive,shown", [(60, "keepalive 60 s, "), (0, "keepalive 0 s (--keepalive-max: 1800 s), "),
                                             (65535, "keepalive 65535 s (--keepalive-max: 1800 s), ")])
def test_a_session_shows_the_keepalive_that_was_announced_and_its_bound(shared_server, world, keepalive, shown):
    device = world.device(level=4, keepalive=keepalive)
    assert shown in lines(show(shared_server, device.did), "session")[0]


def test_a_device_is_found_by_its_mac(shared_server, world):
    did, _ = world.register("mac-of-one")
    assert lines(show(shared_server, "mac-of-one"), "did") == [did]


def test_a_mac_of_two_products_is_told_and_found_in_each(shared_server, world):
    mac, other = "mac-of-two", World(shared_server)
    dids = [one.register(mac)[0] for one in (world, other)]
    assert [lines(show(shared_server, f"{one.product_key}/{mac}"), "did") for one in (world, other)] == [[did] for did in dids]
    text = show(shared_server, mac)
    assert lines(text, "did")[0] in dids
    assert text.endswith("1 other product has a device of this mac: name it PRODUCT_KEY/MAC\n")
    show(shared_server, f"{world.product_key}/nobody", status=2)


def test_a_text_of_others_does_nothing_to_the_terminal(shared_server, world):
    world.import_devices({"mac": "mac-sn", "device_sn": "line\nbreak\x1b[31m"})
    assert lines(show(shared_server, "mac-sn"), "type") == ["normal, sn line?break?[31m"]


def test_a_device_that_never_logged_in_is_told_apart(shared_server, world):
    did, _ = world.register()
    assert "never logged in" in lines(show(shared_server, did), "state")[0]


def test_the_reason_of_the_last_sessions_end_is_the_verdict(shared_server, world):
    device = world.device(level=4)
    device.disconnect()
    wait_until(lambda: "mqtt_disconnect" in lines(show(shared_server, device.did), "state")[0])


def test_a_wrong_passcode_is_the_verdict_with_reason_address_and_count(shared_server, world):
    did, passcode = world.register("mac-wrong")
    for _ in range(3):
        is_refused(shared_server, did, "654321")
    text = show(shared_server, "mac-wrong")
    assert "refused" in lines(text, "state")[0] and "login: wrong passcode" in lines(text, "state")[0]
    assert len(lines(text, "refused (did)")) == 1
    assert "from 127.0.0.1, 3 times since" in lines(text, "refused (did)")[0]
    assert "654321" not in text
    device = Device(shared_server.mqtt, did, passcode, world.product_key, 4).login()
    assert lines(show(shared_server, did), "state") == ["online"]
    device.close()


def test_a_disabled_device_is_told_to_be_enabled(shared_server, world):
    did, passcode = world.register()
    assert device_request(shared_server.http, "DELETE", "/dev/devices", f"did={did}&passcode={passcode}")[0] == 200
    is_refused(shared_server, did, passcode)
    text = show(shared_server, did)
    assert "disabled" in lines(text, "state")[0]
    assert "login: the device is disabled" in lines(text, "refused (did)")[0]


def test_a_mac_that_may_not_register_is_known_by_its_refusals(shared_server, world):
    world.configure_product(registration="known")
    status, _, _ = device_request(shared_server.http, "POST", "/dev/devices",
                                  f"passcode=123&mac=mac-unknown&product_key={world.product_key}")
    assert status == 400
    text = show(shared_server, "mac-unknown")
    assert lines(text, "state") == ["unknown: no device has this did or mac"]
    assert "register: mac and passcode were not imported" in lines(text, "refused")[0]


def test_a_registration_for_a_product_that_is_not_there_is_noted(shared_server):
    device_request(shared_server.http, "POST", "/dev/devices", f"passcode=1&mac=mac-astray&product_key={hex_id()}")
    assert "register: unknown product_key" in lines(show(shared_server, "mac-astray"), "refused")[0]


def test_a_did_that_is_not_there_is_noted_where_it_asks_for_the_broker(shared_server):
    did = "A" * 22
    assert device_request(shared_server.http, "GET", f"/dev/devices/{did}")[0] == 404
    assert "provision: unknown did" in lines(show(shared_server, did), "refused")[0]


def test_firmware_checks_and_disabling_with_a_wrong_passcode_are_noted(shared_server, world):
    did, _ = world.register()
    device_request(shared_server.http, "POST", f"/dev/ota/v4.1/update_and_check/{did}", "passcode=0&type=1")
    device_request(shared_server.http, "DELETE", "/dev/devices", f"did={did}&passcode=0")
    told = "\n".join(lines(show(shared_server, did), "refused (did)"))
    assert "firmware check: wrong passcode" in told and "disable: wrong passcode" in told


def test_a_stranger_is_known_by_his_address(shared_server):
    with socket.create_connection(shared_server.mqtt) as s:
        s.sendall(b"GET / HTTP/1.1\r\n\r\n")
        s.recv(100)
    is_refused(shared_server, "not a did", "1")
    told = "\n".join(lines(show(shared_server, "127.0.0.1"), "refused"))
    assert "login: what came first is no CONNECT" in told and "login: the user name is no did" in told


def test_a_failed_tls_handshake_is_known_by_its_address(make_server, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key.pem", "-out",
                    tmp_path / "cert.pem", "-days", "2", "-subj", "/CN=muster.test"], check=True, capture_output=True)
    server = make_server("--mqtts", "127.0.0.1:0", "--tls-cert", str(tmp_path / "cert.pem"), "--tls-key",
                         str(tmp_path / "key.pem"))
    with socket.create_connection(server.addresses["mqtts"], timeout=ENOUGH_S) as s, pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(s, server_hostname="muster.test")
    text = wait_until(lambda: (done := run("device", "--data", server.data, "127.0.0.1")).returncode == 0 and done.stdout)
    assert "connection: the TLS handshake failed" in lines(text, "refused")[0]


def test_a_name_that_nobody_gave_is_status_2(shared_server):
    assert "no device has this did or mac" in show(shared_server, "mac-nowhere", status=2)


def test_at_rest_a_session_that_a_crash_left_open_reads_as_ended(make_server):
    server = make_server()
    device = World(server).device(level=4)
    device.report(REPORT, qos=1)
    server.kill()
    text = show(server, device.did)
    assert "offline_exception" in lines(text, "state")[0]
    assert "offline_exception" in lines(text, "online log")[0] and "dev_online" in lines(text, "online log")[1]
    assert lines(text, "refused") == ["not known: no server runs here"]
    server.start()
    assert "offline_exception" in lines(show(server, device.did), "state")[0]


def test_a_directory_that_is_not_there_is_not_made(tmp_path):
    done = run("device", "--data", tmp_path / "none", "x")
    assert done.returncode == 2 and "there is no directory" in done.stderr and not (tmp_path / "none").exists()


def test_a_mac_that_is_written_in_another_way_is_hinted_at(shared_server, world):
    did, _ = world.register("aabbccddee77")
    for name in ("AABBCCDDEE77", f"{world.product_key}/AABBCCDDEE77", "AA:BB:CC:DD:EE:77"):
        told = show(shared_server, name, status=2)
        assert "no device has this did or mac" in told
        assert f"no device {name}; there is aabbccddee77 of product {world.product_key} (did {did})" in told
    world.register("IMEI-Site-9")
    assert "there is IMEI-Site-9 of product" in show(shared_server, "imei-site-9", status=2)
    assert "there is" not in show(shared_server, f"{hex_id()}/AABBCCDDEE77", status=2)
    assert "there is" not in show(shared_server, "AABBCCDDEE78", status=2)


def test_a_refused_mac_that_is_known_in_another_way_is_hinted_at(shared_server):
    world = World(shared_server, registration="known")
    world.import_devices({"mac": "ab0123456789", "passcode": "123456"})
    status, _, _ = device_request(shared_server.http, "POST", "/dev/devices",
                                  f"passcode=123456&mac=AB0123456789&product_key={world.product_key}")
    assert status >= 400
    text = show(shared_server, "AB0123456789")
    assert lines(text, "state") == ["unknown: no device has this did or mac"]
    assert f"no device AB0123456789; there is ab0123456789 of product {world.product_key}" in text
