"""Faults and alerts, by devices and by events, against a plain model of who reported what in which order."""

import pytest

from reportfleet import POINTS, ReportFleet, counts
from test_device_reports import GUANGZHOU, bring
from world import World, definition, frame, hex_id, status_report

CALLS = ["fault/report/devices", "alert/report/devices", "fault/report/events", "alert/report/events", "fault/alert/events"]
KIND_OF = {"fault/report/events": "fault", "alert/report/events": "alert", "fault/alert/events": "alert"}


@pytest.fixture(scope="module")
def fleet(make_shared_server):
    return ReportFleet(make_shared_server, seed=19)


@pytest.mark.parametrize("call", CALLS)
def test_without_events_there_is_nothing(world, call):
    device = bring(world, "m", **GUANGZHOU)
    detail = {"detail": {}} if call in KIND_OF else {}
    assert world.get(call).json == {"gid": None, "count": counts(0, 0), "location": {}, **detail}
    device.disconnect()


# --- against the model --------------------------------------------------------------------------------------------

def groups(fleet):
    return [None, *fleet.groups.values()]


@pytest.mark.parametrize("kind", POINTS)
def test_devices_that_had_faults_or_alerts(fleet, kind):
    for gid in groups(fleet):
        assert fleet.get(f"{kind}/report/devices", gid=gid) == fleet.eventful_devices(kind, gid)
    count = fleet.eventful_devices(kind)["count"]
    assert 0 < count["resolved"] < count["total"], "this fleet proves nothing"


@pytest.mark.parametrize("call", KIND_OF)
def test_faults_and_alerts_by_datapoint(fleet, call):
    kind = KIND_OF[call]
    for gid in groups(fleet):
        assert fleet.get(call, gid=gid) == fleet.events(kind, gid)
    assert set(fleet.events(kind)["detail"]) == set(POINTS[kind]), "this fleet proves nothing"


# --- events --------------------------------------------------------------------------------------------------------

def events(world, kind="fault"):
    return world.get(f"{kind}/report/events").json["count"]


def test_a_fault_that_goes_on_is_one(world):
    device = world.device(level=4)
    for _ in range(3):
        device.report(status_report(faults=1), qos=1)
    assert events(world) == counts(1, 0)
    device.report(status_report(faults=0), qos=1)
    assert events(world) == counts(1, 1)
    device.report(status_report(faults=1), qos=1)
    assert events(world) == counts(2, 1)


def test_a_login_changes_no_event(world):
    registered = world.register()
    device = world.device(level=4, registered=registered)
    device.report(status_report(faults=1), qos=1)
    device.disconnect()
    device = world.device(level=4, registered=registered)
    device.report(status_report(faults=1), qos=1)
    assert events(world) == counts(1, 0)


def test_a_device_is_resolved_when_none_of_its_faults_is_open(world):
    device = world.device(level=4)
    for alerts, expected in ((3, counts(1, 0)), (2, counts(1, 0)), (0, counts(1, 1)), (1, counts(1, 0))):
        device.report(status_report(alerts=alerts), qos=1)
        assert world.get("alert/report/devices").json["count"] == expected
    assert events(world, "alert") == counts(3, 2)


def test_a_disabled_device_is_left_out_and_comes_back(world):
    device = bring(world, "m")
    device.report(status_report(faults=1), qos=1)
    for disabled, expected in ((True, counts(0, 0)), (False, counts(1, 0))):
        world.import_devices({"did": device.did, "mac": "m", "is_disabled": disabled})
        assert events(world) == expected
        assert world.get("fault/report/devices").json["count"] == expected


def test_events_outlive_the_definition_of_their_points(world):
    device = world.device(level=4)
    device.report(status_report(faults=1, alerts=1), qos=1)
    world.configure_product("--force", datapoint=definition("pet-feeder", world.product_key))
    content = world.get("fault/report/events").json
    assert set(content["detail"]) == {"fault_roomtemp"} and content["count"]["total"] == 1
    assert set(world.get("alert/report/events").json["detail"]) == {"alert_full"}


def test_an_event_whose_point_is_gone_stays_readable_and_ends_with_the_next_report(make_server):
    server = make_server()
    world = World(server)
    registered = world.register()
    world.device(level=4, registered=registered).report(status_report(faults=1), qos=1)
    world.configure_product("--force", datapoint=definition("plug", world.product_key))
    said = {"count": counts(1, 0), "detail": {"fault_roomtemp": counts(1, 0)}}
    for end in (server.stop, server.kill):
        end()
        server.start()
        assert world.get("fault/report/events").json == {**said, "gid": None, "location": {}}
        assert world.get("devices/search", is_faulty=1).json["meta"]["total"] == 1
    device = world.device(level=4, registered=registered)
    device.report(frame(0x0091, b"\x04\x01"), qos=1)  # as the plug says that it is on
    assert world.get(f"devices/{device.did}/data").json["objects"][0]["attrs"] == {"on": 1}
    assert world.get("fault/report/events").json["detail"] == {"fault_roomtemp": counts(1, 1)}
    assert world.get("devices/search", is_faulty=1).json["meta"]["total"] == 0


@pytest.mark.parametrize("call", CALLS)
def test_a_group_that_is_not_the_products(world, call):
    other = World(world.server)
    foreign = other.call("POST", "device_groups", {}).json["gid"]
    assert world.get(call, gid=hex_id()).error == (404, 5206)
    assert world.get(call, gid=foreign).error == (403, 5201)
