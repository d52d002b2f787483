"""The main job, end to end and to the byte: an unmodified device registers, connects and reports;
the enterprise finds it, reads what it said and controls it."""

import socket
import time

from mqtt import packet, text
from server import ENOUGH_S, wait_until
from world import REPORT, World, device_request, request


def test_the_firmwares_own_packets_work_byte_for_byte(world):
    did, passcode = world.register(mac="accf2350d446", passcode="GSXJQXVLQD")
    status, _, body = device_request(world.server.http, "GET", f"/dev/devices/{did}")
    assert status == 200
    fields = dict(pair.split("=") for pair in body.split("&"))
    assert list(fields) == ["host", "port", "server_ts", "log_host", "log_port", "log_switch"]
    assert fields["host"] == world.server.http[0] and int(fields["port"]) == world.server.mqtt[1]
    assert abs(int(fields["server_ts"]) - time.time()) < 60 and fields["log_switch"] == "0"

    with socket.create_connection((fields["host"], int(fields["port"]))) as s:
        s.settimeout(ENOUGH_S)
        connect = bytes.fromhex("10 48 0006 4d5149736470 03 c2 0078") + text(did) + text(did) + text(passcode)
        assert len(connect) == 2 + 0x48
        s.sendall(connect)
        assert s.recv(1024).hex() == "20020000"
        for number, topic in enumerate([f"ser2cli_noti/{world.product_key}", f"ser2cli_res/{did}", f"app2dev/{did}/#"], 1):
            s.sendall(packet(0x82, bytes([0, number]) + text(topic) + b"\0"))
            assert s.recv(1024).hex() == f"9003000{number}00"
        s.sendall(packet(0x30, text(f"dev2app/{did}") + REPORT))
        detail = wait_until(lambda: (a := world.get(f"devices/{did}/data").json)["objects"] and a, what="the report in /data")
        assert detail["meta"] == {"total": 1, "limit": 20, "skip": 0, "previous": None, "next": None}
        s.sendall(b"\xc0\x00")
        assert s.recv(1024).hex() == "d000"

        time.sleep(0.2)  # a packet just sent keeps a control back a moment (pacing)
        answer = world.control(did, attrs={"switch": 1})
        assert (answer.status, answer.body) == (200, b"{}")
        publish = s.recv(1024)
        topic_length = publish[3]
        assert publish[0] == 0x30 and publish[4:4 + topic_length].decode().startswith(f"app2dev/{did}/")
        assert len(publish[4:4 + topic_length].decode().rsplit("/", 1)[1]) in range(1, 24)
        assert publish[4 + topic_length:].hex() == "0000000309000090010101000010"


def test_a_report_is_decoded_as_the_document_shows(world):
    device = world.device(level=4)
    before = int(time.time())
    device.report(REPORT, qos=1)
    row = world.get(f"devices/{device.did}/data").json["objects"][0]
    assert before <= row["ts"] <= time.time() and isinstance(row["ts"], int)
    assert row["attrs"] == {"switch": 1, "fan_swing": 0, "mode": "制冷", "fan_speed": "低风", "on_timing": 0,
                            "off_timing": 0, "set_temp": 16, "room_temp": -10, "alert_full": 0,
                            "alert_shutdown": 0, "fault_roomtemp": 0}


def test_the_communication_log_shows_both_directions_as_hex(world):
    device = world.device(level=4)
    device.report(REPORT, qos=1)
    assert world.control(device.did, attrs={"switch": 1}).status == 200
    log = world.get(f"devices/{device.did}/cmd").json
    assert log["meta"]["total"] == 2
    newest, oldest = log["objects"]
    assert (newest["type"], newest["payload"]) == ("app2dev", "0000000309000090010101000010")
    assert (oldest["type"], oldest["payload"]) == ("dev2app", REPORT.hex())
    assert isinstance(newest["timestamp"], float) and newest["timestamp"] >= oldest["timestamp"]
    assert set(newest) == {"timestamp", "type", "payload"}


def test_the_device_is_found_with_what_it_told(world):
    device = world.device(mac="virtual:site", level=4)
    device.report(REPORT, qos=1)
    found = world.get("devices", mac="virtual:site").json
    assert found == {"did": device.did, "passcode": "123456"}
    assert world.get("device_detail", mac="virtual:site").json == {
        "did": device.did, "is_disabled": False, "product_key": world.product_key, "mac": "virtual:site",
        "is_online": True, "type": "normal"}
    search = world.get("devices/search", is_online=1).json
    assert search["meta"]["total"] == 1
    row = search["objects"][0]
    assert set(row) == {"city", "mcu_hard_version", "mcu_soft_version", "did", "country", "region", "mac", "longitude",
                        "wifi_hard_version", "online_latest", "wifi_soft_version", "is_online", "latitude",
                        "is_alert", "created_at", "is_faulty"}
    assert (row["did"], row["is_online"], row["is_alert"], row["is_faulty"]) == (device.did, True, False, False)
    assert abs(row["online_latest"] - time.time()) < 60 and abs(row["created_at"] - time.time()) < 60


def test_the_online_record_tells_the_session(world):
    device = world.device(level=4, keepalive=120)
    device.ping()
    device.ping()
    device.disconnect()
    log = wait_until(lambda: (a := world.get(f"devices/{device.did}/online").json)["meta"]["total"] == 2 and a)
    end, login = log["objects"]
    assert login["type"] == "dev_online" and login["payload"] == {"keep_alive": 125}
    assert end["type"] == "dev_offline" and end["payload"]["reason"] == "mqtt_disconnect"
    assert set(end["payload"]) == {"duration", "heartbeat", "reason"}
    assert set(end["payload"]["heartbeat"]) == {"count", "max", "min", "avg", "last"}
    assert end["payload"]["heartbeat"]["count"] == 2
    assert world.get("devices/search", is_online=0).json["meta"]["total"] == 1


def test_everything_is_there_after_a_restart(make_server):
    server = make_server()
    world = World(server)
    device = world.device(mac="accf2350d446", level=4)
    device.report(REPORT, qos=1)
    assert world.control(device.did, attrs={"switch": 1}).status == 200
    before = {call: world.get(f"devices/{device.did}/{call}").json["objects"] for call in ("data", "cmd")}
    token = world.token
    server.restart()
    assert world.token == token
    assert {call: world.get(f"devices/{device.did}/{call}").json["objects"] for call in before} == before
    assert world.get("device_detail", mac="accf2350d446").json["is_online"] is False
    # The state is there as well: a control fills the points that it does not set from it.
    device = world.device(registered=(device.did, "123456"), level=4)
    assert world.control(device.did, attrs={"switch": 1}).status == 200
    assert device.receive_publish()[1].hex() == "0000000309000090010101000010"


def test_another_enterprises_server_shows_nothing(world, shared_server):
    other = World(shared_server)
    device = world.device(level=4)
    assert other.get("devices/search").json["meta"]["total"] == 0
    assert other.get(f"devices/{device.did}/data").error == (403, 5302)
    assert request(shared_server.http, "GET", f"/v1/products/{world.product_key}/devices/search",
                   headers=other.headers).error == (400, 5010)


