"""What a product's new definition means for devices that are known already."""

import copy
import json
import re

from mqtt import frame
from reportfleet import counts
from server import run
from world import World, definition, request, status_report


def test_the_flags_follow_the_definition_in_force_even_if_the_bytes_stay_the_same(shared_server):
    """The same status image, whose alert is a fault from now on."""
    world = World(shared_server)
    device = world.device(level=4)

    def flags():
        row, = world.get("devices/search").json["objects"]
        return row["is_alert"], row["is_faulty"]

    device.report(status_report(alerts=1), qos=1)
    assert flags() == (True, False)

    redefined = definition("air-conditioner", world.product_key)
    attrs = [a for a in redefined["entities"][0]["attrs"] if a["type"] not in ("alert", "fault")]
    attrs += [{"id": len(attrs) + i, "name": f"fault_{i}", "display_name": f"fault {i}", "desc": "", "type": "fault",
               "data_type": "bool", "position": {"byte_offset": 5, "bit_offset": i, "len": 1, "unit": "bit"}}
              for i in range(9)]
    redefined["entities"][0]["attrs"] = attrs
    redefined.pop("ui", None)
    world.configure_product("--force", datapoint=redefined)
    device.report(status_report(alerts=1), qos=1)
    assert world.get(f"devices/{device.did}/data", limit=1).json["objects"][0]["attrs"]["fault_8"] == 1
    assert flags() == (False, True)


# --- a layout that moves -------------------------------------------------------------------------------------------

def longer(world):
    """The air conditioner with one more number, in the middle."""
    changed = definition("air-conditioner", world.product_key)
    attrs = changed["entities"][0]["attrs"]
    room = next(a for a in attrs if a["name"] == "room_temp")
    more = copy.deepcopy(room)
    more.update(name="humidity", display_name="humidity")
    attrs.insert(attrs.index(room), more)
    for a in attrs[attrs.index(more) + 1:]:
        a["position"]["byte_offset"] += 1
    for i, a in enumerate(attrs):
        a["id"] = i
    changed.pop("ui", None)
    return changed


def apply(world, changed, *options):
    content = {"products": [{"product_key": world.product_key, "datapoint": changed}]}
    return run("apply", "--data", world.server.data, *options, "-", input=json.dumps(content))


def metric(world, cause):
    page = request(world.server.ops, "GET", "/metrics").body.decode()
    found = re.search(f'muster_undecoded_reports_total{{product="{world.product_key}",cause="{cause}"}} (\\d+)', page)
    return int(found[1]) if found else 0


def test_a_layout_that_moves_under_devices_is_taken_with_force_only(shared_server):
    world = World(shared_server)
    device = world.device(level=4)
    device.report(status_report(faults=1), qos=1)
    before = world.get("datapoint").json

    refused = apply(world, longer(world))
    assert refused.returncode == 2 and refused.stdout == ""
    assert "products[0].datapoint: changes the layout of reports, and the product has 1 device: " in refused.stderr
    assert "a report has 9 bytes, had 8; 'room_temp': byte 5, was byte 4" in refused.stderr and "--force" in refused.stderr
    assert world.get("datapoint").json == before
    device.report(status_report(set_temp=17), qos=1)
    assert world.get(f"devices/{device.did}/data", limit=1).json["objects"][0]["attrs"]["set_temp"] == 17

    taken = apply(world, longer(world), "--force")
    assert taken.returncode == 0, taken.stderr
    assert "warning: product " + world.product_key in taken.stdout and "'room_temp': byte 5, was byte 4" in taken.stdout
    assert json.loads(apply(world, before, "--force", "--json").stdout)["warnings"][0].startswith("product ")


def test_a_device_whose_reports_decode_to_nothing_is_told_of(server):
    world = World(server)
    device, fine = world.device(level=4), world.device(level=4)
    device.report(status_report(faults=1), qos=1)
    assert apply(world, longer(world), "--force").returncode == 0
    for _ in range(14):
        device.report(status_report(faults=0), qos=1)
        device.report(frame(0x0091), qos=1)  # an echo has nothing to decode
    device.report(frame(0x0091, b"\x04" + bytes([1 | 7 << 2]) + bytes(7)), qos=1)
    device.report(frame(0x0091, b"\x14" + bytes(8)), qos=1)
    device.report(b"hello", qos=1)

    def reports():
        shown = run("device", "--data", server.data, device.did).stdout
        return re.findall("^reports +(.*)$", shown, re.M)

    assert reports() == ["12 of its last 12 messages were not decoded: 5 bytes that are not a frame, or one of another length"]
    device.report(status_report(), qos=1)
    assert reports() == ["12 of its last 12 messages were not decoded: 8 bytes, the definition wants 9"]
    device.report(frame(0x0091, b"\x04\x01" + bytes(7)), qos=1)
    assert reports() == ["11 of its last 12 messages were not decoded: 8 bytes, the definition wants 9"]
    assert [metric(world, cause) for cause in ("length", "value", "action", "frame")] == [15, 1, 1, 1]
    lines = [line for line in server.log_text().splitlines() if "event=report_undecoded" in line]
    assert len(lines) == 1 and f"did={device.did} product_key={world.product_key} cause=length" in lines[0]
    assert 'why="8 bytes, the definition wants 9"' in lines[0]
    assert not re.search("^reports ", run("device", "--data", server.data, fine.did).stdout, re.M)


def test_reports_that_decode_to_nothing_leave_faults_as_they_are(shared_server):
    world = World(shared_server)
    device = world.device(level=4)
    device.report(status_report(faults=1, alerts=1), qos=1)
    assert apply(world, longer(world), "--force").returncode == 0
    for faults in (0, 1, 2):
        device.report(status_report(faults=faults), qos=1)
    for kind in ("fault", "alert"):
        assert world.get(f"{kind}/report/events").json["count"] == counts(1, 0)
        assert world.get("devices/search", **{f"is_{kind}" if kind == "alert" else "is_faulty": 1}).json["meta"]["total"] == 1
    device.report(frame(0x0091, b"\x04\x01" + bytes(7)), qos=1)
    for kind in ("fault", "alert"):
        assert world.get(f"{kind}/report/events").json["count"] == counts(1, 1)
