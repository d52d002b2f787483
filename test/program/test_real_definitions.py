"""The definitions of real products, where they are at hand: MUSTER_SHARED_DATAPOINTS or
../shared/datapoints beside the project."""

import json
import os
from pathlib import Path

import pytest

from world import World, frame

FOLDER = Path(os.environ.get("MUSTER_SHARED_DATAPOINTS", Path(__file__).resolve().parents[2] / "../shared/datapoints"))
FILES = sorted(FOLDER.glob("*.json"))

pytestmark = pytest.mark.skipif(not FILES, reason="the definitions of real products are not at hand")


def content_of(file, product_key):
    return {**json.loads(file.read_text(encoding="utf-8")), "product_key": product_key}


@pytest.fixture(params=FILES, ids=lambda file: getattr(file, "stem", "absent"))
def product(request, shared_server):
    """(world, definition) of a real product."""
    world = World(shared_server, datapoint=None)
    content = content_of(request.param, world.product_key)
    world.configure_product("--force", datapoint=content)
    return world, content


def attrs_of(content):
    return content["entities"][0]["attrs"]


def test_it_is_imported_and_answered(product):
    world, content = product
    answered = world.get("datapoint").json
    assert (answered["packetVersion"], answered["product_key"]) == ("0x00000004", world.product_key)
    assert answered["protocolType"] == content.get("protocolType", "standard")
    assert [attr["name"] for attr in attrs_of(answered)] == [attr["name"] for attr in attrs_of(content)]
    for imported, attr in zip(attrs_of(content), attrs_of(answered)):
        for key in ("id", "type", "data_type", "position", "enum", "uint_spec", "display_name"):
            assert attr.get(key) == imported.get(key), (imported["name"], key)
    if content.get("ui"):
        assert answered["ui"] == content["ui"]
    assert answered["ui"]["object"]["version"] == 4


def test_a_writable_point_of_it_is_controlled(product):
    world, content = product
    device = world.device(level=4)
    for attr in attrs_of(content):
        if attr["type"] == "status_writable":
            value = {"bool": 1, "enum": 0, "binary": "00" * attr["position"]["len"]}.get(attr["data_type"])
            if value is None:
                spec = attr["uint_spec"]
                value = spec["max"] * spec["ratio"] + spec["addition"]
            answer = world.control(device.did, attrs={attr["name"]: value})
            assert answer.status == 200, (attr, answer.body)
            assert device.receive_publish()[1].startswith(b"\0\0\0\3")
            return
    assert "ph803w" in content.get("name", "") or not any(a["type"] == "status_writable" for a in attrs_of(content))


# The worked examples of the devices' protocol.
REPORTS = {
    "ph803w": ("03 00 02dc 089d 0000 0000", {"pH": 7.32, "mV": 205, "EC": 0, "TEMP": 0}),
    "gizkit-soc-pet": ("04 05ff0010080126320105", {
        "LED_OnOff": 1, "LED_Color": "紫色", "LED_R": 255, "LED_G": 0, "LED_B": 16, "Motor_Speed": 3, "Infrared": 1,
        "Temperature": 25, "Humidity": 50, "Alert_1": 1, "Alert_2": 0, "Fault_LED": 1, "Fault_Motor": 0, "Fault_TemHum": 1,
        "Fault_IR": 0}),
    "derived-air-conditioner-from-spec-examples": ("04 01000010000000", {
        "switch": 1, "mode": "制冷", "fan_speed": "低风", "fan_swing": 0, "on_timing": 0, "off_timing": 0, "set_temp": 16,
        "room_temp": -10, "alert_full": 0, "alert_shutdown": 0, "fault_roomtemp": 0}),
}

CONTROLS = {
    "derived-air-conditioner-from-spec-examples": ({"switch": 1}, "01 01 01 00 00 10"),
    "gizkit-soc-pet": ({"LED_OnOff": 1, "LED_Color": "紫色", "Motor_Speed": 3}, "01 23 05 00 00 00 08"),
    "jebao-wavemaker-multibyte-bits": ({"Linkage": "从机", "AutoMode": "喂食", "Flow": 80}, "01 00000000000001c0 0b00 50"),
    "jebao-single-doser-uint16-binary-alert-fault": ({"liquid1": 1000, "CALSet": "校准3"}, "01 0090 20"),
    "vaillant-vsmartpro-var-len": ({"Heating_Enable": 1, "Mode_Setting_DHW": "Cruising",
                                    "Room_Temperature_Setpoint_Comfort": 21.5}, "11 00000000040102 03 21"),
}


def real(server, name):
    file = FOLDER / f"{name}.json"
    if not file.exists():
        pytest.skip("not among the definitions at hand")
    world = World(server, datapoint=None)
    world.configure_product("--force", datapoint=content_of(file, world.product_key))
    return world, world.device(level=4)


@pytest.mark.parametrize("name", REPORTS)
def test_a_worked_report_is_decoded(shared_server, name):
    world, device = real(shared_server, name)
    p0, attrs = REPORTS[name]
    device.report(frame(0x0091, bytes.fromhex(p0)), qos=1)
    told = world.get(f"devices/{device.did}/data").json["objects"][0]["attrs"]
    assert {key: told.get(key) for key in attrs} == attrs


@pytest.mark.parametrize("name", CONTROLS)
def test_a_worked_control_is_encoded(shared_server, name):
    world, device = real(shared_server, name)
    attrs, p0 = CONTROLS[name]
    assert world.control(device.did, attrs=attrs).status == 200
    sent = device.receive_publish()[1]
    envelope = 4 + (1 if sent[4] < 128 else 2) + 3
    assert sent[envelope:].hex().startswith(bytes.fromhex(p0).hex())
