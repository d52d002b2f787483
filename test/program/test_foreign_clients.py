"""Clients that nobody here wrote: mosquitto's and Eclipse Paho's."""

import subprocess
import threading

import paho.mqtt.client as paho
import pytest

from server import ENOUGH_S, wait_until
from world import REPORT

VERSIONS = {"mqttv31": paho.MQTTv31, "mqttv311": paho.MQTTv311, "mqttv5": paho.MQTTv5}


def mosquitto(program, world, did, passcode, version, *arguments, **keywords):
    host, port = world.server.mqtt
    return [program, "-h", host, "-p", str(port), "-V", version, "-i", did, "-u", did, "-P", passcode, *arguments]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_mosquitto_pub_reports_as_a_device(world, version, qos):
    did, passcode = world.register()
    done = subprocess.run(mosquitto("mosquitto_pub", world, did, passcode, version, "-q", str(qos), "-t", f"dev2app/{did}", "-s"),
                          input=REPORT, capture_output=True, timeout=ENOUGH_S, check=False)
    assert done.returncode == 0, done.stderr
    rows = wait_until(lambda: world.get(f"devices/{did}/data").json["objects"])
    assert [row["attrs"]["set_temp"] for row in rows] == [16]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("qos", [0, 1])
def test_mosquitto_sub_receives_a_control(world, version, qos):
    did, passcode = world.register()
    process = subprocess.Popen(mosquitto("mosquitto_sub", world, did, passcode, version, "-q", str(qos), "-t",
                                         f"app2dev/{did}/#", "-C", "1", "-W", "20", "-F", "%t %x"),
                               stdout=subprocess.PIPE, text=True)
    wait_until(lambda: world.control(did, attrs={"switch": 1}).status == 200)
    topic, payload = process.communicate(timeout=ENOUGH_S)[0].split()
    assert topic.startswith(f"app2dev/{did}/") and payload.lower() == "0000000309000090010101000010"
    assert process.returncode == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrong_passcode_is_refused(world, version):
    did, _ = world.register()
    done = subprocess.run(mosquitto("mosquitto_pub", world, did, "wrong", version, "-t", f"dev2app/{did}", "-m", "x"),
                          capture_output=True, text=True, timeout=ENOUGH_S, check=False)
    assert done.returncode != 0


@pytest.mark.parametrize("version", VERSIONS)
def test_paho_works_as_a_device(world, version):
    did, passcode = world.register()
    ready, received = threading.Event(), []
    client = paho.Client(client_id=did, protocol=VERSIONS[version],
                         **({} if version == "mqttv5" else {"clean_session": True}))
    client.username_pw_set(did, passcode)
    client.on_connect = lambda c, *_: c.subscribe([(f"ser2cli_noti/{world.product_key}", 0), (f"ser2cli_res/{did}", 0),
                                                   (f"app2dev/{did}/#", 1)])
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = lambda _c, _u, message: received.append(message.payload)
    client.connect(*world.server.mqtt, keepalive=30)
    client.loop_start()
    try:
        assert ready.wait(ENOUGH_S)
        for qos in (0, 1, 2):
            message = client.publish(f"dev2app/{did}", REPORT, qos=qos)
            message.wait_for_publish(ENOUGH_S)
            assert message.is_published()
        wait_until(lambda: world.get(f"devices/{did}/data").json["meta"]["total"] == 3)
        assert world.control(did, attrs={"switch": 1}).status == 200
        wait_until(lambda: received)
        assert received[0].hex() == "0000000309000090010101000010"
    finally:
        client.disconnect()
        client.loop_stop()
    assert world.online_log_once_ended(did)[0]["payload"]["reason"] == "mqtt_disconnect"
