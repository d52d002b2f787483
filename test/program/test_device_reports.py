"""设备报表: where devices are, and which were activated and active when, against a plain model of a fleet with
a history over a new year."""

import datetime
import random

import pytest

from clock import at, environment, restart_at
from mqtt import Device
from reportfleet import DAY, HISTORIES, ROWS, TODAY, ReportFleet, period
from world import REPORT, World, hex_id

CALLS = ["devices/locations", "devices/summary", "summary", "incr_devices", "active_devices", "devices/report/activation",
         "devices/report/liveness", "devices/report/liveness/history", "devices/report/rt",
         "devices/report/devices/report/rt"]
WITH_GROUP = [call for call in CALLS if "summary" not in call and "_devices" not in call]


@pytest.fixture(scope="module")
def fleet(make_shared_server):
    return ReportFleet(make_shared_server)


def needed(call):
    """Parameters that a call does not do without."""
    return {"start": TODAY.isoformat(), "end": TODAY.isoformat()} if call in HISTORIES.values() else {}


def groups(fleet):
    return [None, *fleet.groups.values()]


GUANGZHOU = {"country": "China", "region": "Guangdong", "city": "Guangzhou"}


def bring(world, mac, level=4, report=True, **place):
    """A device of that place that has logged in and reported."""
    did = "".join(random.choices("abcdefghijkmnopqrstuvwxyz", k=22))
    world.import_devices({"mac": mac, "did": did, "passcode": "123456", **place})
    device = Device(world.server.mqtt, did, "123456", world.product_key, level).login()
    if report:
        device.report(REPORT, qos=1)
    return device


@pytest.mark.parametrize("call", CALLS)
def test_a_product_without_devices_has_empty_reports(world, call):
    content = world.get(call, **needed(call) and {"start": "2020-01-01", "end": "2020-01-02"}).json
    assert content.get("location", {}) == {} and content.get("objects", []) == []
    assert [(row["count"], row["location"]) for row in content.get("data", [])] == [(0, {})] * len(content.get("data", []))


# --- where they are -------------------------------------------------------------------------------------------------

def test_locations_count_what_the_filters_leave(fleet):
    chance, sizes = random.Random(1), set()
    for _ in range(120):
        asked = {name: chance.choice([None, None, 0, 1, "true", "false"]) for name in ("is_online", "is_faulty", "is_alert")}
        expected = fleet.locations(gid := chance.choice(groups(fleet)), **asked)
        assert fleet.get("devices/locations", gid=gid, **asked) == expected
        sizes.add(expected["total"])
    assert len(sizes) > 20, "this fleet proves nothing"


def test_rt_counts_activated_faulty_and_alert_devices(fleet):
    for gid in groups(fleet):
        for call in ("devices/report/rt", "devices/report/devices/report/rt"):
            assert fleet.get(call, gid=gid) == fleet.realtime(gid)


# --- the last days ----------------------------------------------------------------------------------------------------

def test_summary_counts_the_last_days_with_today(fleet):
    expected = fleet.summary()
    assert fleet.get("devices/summary") == expected
    assert fleet.get("summary") == expected
    assert all(expected["new"].values()) and expected["online"] and expected["active"]["yesterday"]


def test_liveness_counts_yesterday_and_the_last_days(fleet):
    for gid in groups(fleet):
        assert fleet.get("devices/report/liveness", gid=gid) == fleet.liveness(gid)


# --- histories ----------------------------------------------------------------------------------------------------------

def ask_history(fleet, what, cycle, start, end, **more):
    return fleet.get(HISTORIES[what], cycle=cycle, start=period(cycle, start), end=period(cycle, end), **more)


@pytest.mark.parametrize("what", HISTORIES)
@pytest.mark.parametrize("cycle,back", [("date", 29), ("week", 9), ("month", 2)])
def test_a_history_has_a_row_for_each_period_up_to_today(fleet, what, cycle, back):
    start = TODAY - back * {"date": 1, "week": 7, "month": 30}[cycle] * DAY
    content = ask_history(fleet, what, cycle, start, TODAY)
    assert content == fleet.history(what, cycle, start, TODAY)
    assert sum(row["count"] > 0 for row in content["data"]) >= 3 and 3 <= len(content["data"]) <= 30


@pytest.mark.parametrize("what", HISTORIES)
def test_any_history(fleet, what):
    chance = random.Random(2)
    for _ in range(60):
        cycle = chance.choice(["date", "week", "month"])
        start = datetime.date(2026, 10, 20) + chance.randrange(70) * DAY
        end = min(TODAY, start + chance.randrange(29) * DAY)
        gid = chance.choice(groups(fleet))
        expected = fleet.history(what, cycle, start, end, gid)
        assert ask_history(fleet, what, cycle, start, end, gid=gid) == expected, (cycle, start)


def test_a_device_counts_once_in_a_week_and_a_month(fleet):
    week = ask_history(fleet, "activity", "week", datetime.date(2026, 12, 28), datetime.date(2027, 1, 3))["data"][0]
    days = ask_history(fleet, "activity", "date", datetime.date(2026, 12, 28), datetime.date(2027, 1, 3))["data"]
    assert week["week"] == "2026-53" and 0 < week["count"] < sum(row["count"] for row in days)


def test_a_day_ends_at_midnight_of_the_servers_zone(fleet):
    """Devices that came ten minutes before and those that came a second after are a day apart."""
    rows = {row["date"]: row["count"] for row in ask_history(
        fleet, "activity", "date", datetime.date(2026, 11, 29), datetime.date(2026, 12, 2))["data"]}
    assert rows["2026-11-29"] == rows["2026-12-02"] == 0
    assert rows["2026-11-30"] and rows["2026-12-01"]


def test_a_period_in_progress_counts_and_those_to_come_are_empty(fleet):
    content = ask_history(fleet, "activity", "date", TODAY, TODAY + 3 * DAY)
    assert [row["count"] > 0 for row in content["data"]] == [True, False, False, False]
    for cycle in ("week", "month"):
        assert ask_history(fleet, "activity", cycle, TODAY, TODAY)["data"][0]["count"] > 0


@pytest.mark.parametrize("call", HISTORIES.values())
@pytest.mark.parametrize("parameters", [
    {"cycle": "date", "start": "2027-01-06", "end": "2027-01-06"}, {"cycle": "week", "start": "2027-02", "end": "2027-03"},
    {"cycle": "month", "start": "2027-02", "end": "2027-02"}, {"start": "2030-01-01", "end": "2030-01-02"}])
def test_a_history_of_the_future_is_5014(fleet, call, parameters):
    assert fleet.world.get(call, **parameters).error == (400, 5014)


@pytest.mark.parametrize("call", HISTORIES.values())
@pytest.mark.parametrize("parameters", [
    {"start": None}, {"end": None}, {"start": "2026-13-01"}, {"end": "2027-02-29"}, {"end": "yesterday"}, {"start": "2026-11"},
    {"cycle": "week"}, {"cycle": "month"}, {"cycle": "year"}, {"cycle": "DATE"}, {"cycle": "week", "start": "2025-53"},
    {"start": "2027-01-02"}, {"start": "2026-12-02"}, {"cycle": "week", "start": "2025-01", "end": "2026-02"},
    {"cycle": "month", "start": "2026-01", "end": "2027-01"}, {"start": "2031-01-01", "end": "2030-01-01"}])
def test_a_wrong_range_is_5002(fleet, call, parameters):
    assert fleet.world.get(call, **{"start": "2026-12-31", "end": "2027-01-01", **parameters}).error == (400, 5002)


@pytest.mark.parametrize("call", HISTORIES.values())
@pytest.mark.parametrize("cycle,start,end,rows", [
    (None, "2026-12-07", "2027-01-05", 30), ("week", "2026-01", "2026-53", 53), ("month", "2026-02", "2027-01", 12)])
def test_the_longest_ranges(fleet, call, cycle, start, end, rows):
    content = fleet.get(call, cycle=cycle, start=start, end=end)
    assert len(content["data"]) == rows and content["cycle"] == (cycle or "date")


# --- device by device -----------------------------------------------------------------------------------------------------

THIRTY_DAYS = (TODAY - 29 * DAY, TODAY)


@pytest.mark.parametrize("call", ROWS)
def test_rows_of_any_range_and_place(fleet, call):
    chance, sizes = random.Random(3), set()
    for _ in range(60):
        start = datetime.date(2026, 10, 25) + chance.randrange(72) * DAY
        end = start + chance.randrange(40) * DAY
        place = chance.choice([{}, {}, {"country": "China"}, {"city": "Suzhou"}, {"region": "Jiangsu"}, {"city": "Zhuhai"},
                               {"country": "中国"}, {"region": "Guangdong", "city": "Suzhou"}, {"city": "Paris & \"more\""}])
        expected = fleet.rows(call, start, end, **place)
        content = fleet.get(call, start=start.isoformat(), end=end.isoformat(), limit=1000, **place)
        assert content["objects"] == expected and content["meta"]["total"] == len(expected)
        sizes.add(len(expected))
    assert len(sizes) > 15, "this fleet proves nothing"


@pytest.mark.parametrize("call", ROWS)
def test_rows_of_the_last_thirty_days_unless_asked_otherwise(fleet, call):
    def objects(**parameters):
        return fleet.get(call, limit=1000, **parameters)["objects"]

    assert objects() == fleet.rows(call, *THIRTY_DAYS)
    assert objects(start="2026-12-20") == fleet.rows(call, datetime.date(2026, 12, 20), TODAY)
    assert objects(end="2026-12-29") == fleet.rows(call, datetime.date(2026, 11, 30), datetime.date(2026, 12, 29))
    assert objects(start="2026-01-01", end="2030-01-01") == fleet.rows(call, datetime.date(2026, 1, 1), TODAY)


@pytest.mark.parametrize("call", ROWS)
@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_following_next_shows_every_row_once(fleet, call, limit):
    page = fleet.get(call, limit=limit, start="2026-12-30")
    rows = page["objects"]
    while page["meta"]["next"]:
        page = fleet.world.follow(page["meta"]["next"]).json
        rows += page["objects"]
    assert rows == fleet.rows(call, datetime.date(2026, 12, 30), TODAY)
    assert len(rows) > 7


@pytest.mark.parametrize("call", ROWS)
def test_a_bluetooth_device_has_its_serial_number(fleet, call):
    rows = fleet.get(call, limit=1000)["objects"]
    names = {"city", "country", "region", "report_date", "product_key", "created_at"}
    assert {frozenset(row) - names for row in rows} == {frozenset({"mac"}), frozenset({"device_sn"})}


@pytest.mark.parametrize("call", ROWS)
def test_rows_of_the_future_are_5014(fleet, call):
    for parameters in ({"start": "2027-01-06"}, {"start": "2027-01-06", "end": "2027-01-07"}):
        assert fleet.world.get(call, **parameters).error == (400, 5014)
    assert fleet.get(call, end="2027-01-06")["objects"]


@pytest.mark.parametrize("call", ROWS)
@pytest.mark.parametrize("parameters", [{"start": "2027-01"}, {"end": "20270101"}, {"start": "2027-01-05", "end": "2027-01-04"},
                                        {"limit": -1}, {"limit": 1001}, {"skip": "x"}])
def test_wrong_parameters_of_rows_are_5002(fleet, call, parameters):
    assert fleet.world.get(call, **parameters).error == (400, 5002)


# --- groups, callers -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("call", WITH_GROUP)
def test_a_group_that_is_not_the_products(fleet, call):
    other = World(fleet.server)
    foreign = other.call("POST", "device_groups", {}).json["gid"]
    assert fleet.world.get(call, **needed(call), gid=hex_id()).error == (404, 5206)
    assert fleet.world.get(call, **needed(call), gid="x").error == (404, 5206)
    assert fleet.world.get(call, **needed(call), gid=foreign).error == (403, 5201)


@pytest.mark.parametrize("call", CALLS)
def test_another_products_devices_are_not_counted(fleet, call):
    other = World(fleet.server)
    mine = fleet.get(call, **needed(call))
    device = bring(other, "elsewhere", **GUANGZHOU)
    assert fleet.get(call, **needed(call)) == mine
    device.disconnect()


# --- live, and durable ------------------------------------------------------------------------------------------------------

def test_a_device_is_counted_as_soon_as_its_report_is_acknowledged(make_shared_server):
    world = World(make_shared_server(env=environment(at("2027-03-01 00:00:05"))))
    device = bring(world, "m", report=False)
    today = {"start": "2027-03-01", "end": "2027-03-01"}
    assert world.get("devices/report/liveness/history", **today).json["data"][0]["count"] == 0
    device.report(REPORT, qos=1)
    for call in HISTORIES.values():
        assert world.get(call, **today).json["data"][0]["count"] == 1
    assert world.get("active_devices").json["objects"][0]["report_date"] == "2027-03-01"
    restart_at(world.server, at("2027-03-02 09:00"))
    assert world.get("devices/summary").json["active"] == {"7_day": 1, "yesterday": 1}
    assert world.get("devices/report/liveness").json == {"gid": None, "latest_1": 1, "latest_7": 1, "latest_30": 1}


def test_a_day_that_is_over_is_told_by_the_places_and_marks_of_now(make_shared_server):
    world = World(make_shared_server(env=environment(at("2027-03-01 12:00"))))
    first = bring(world, "m", **GUANGZHOU)
    bring(world, "n")
    restart_at(world.server, at("2027-03-02 12:00"))
    bring(world, "later")  # so the day before is over
    device = {"mac": "m", "did": first.did, "passcode": "123456"}

    def row(call):
        """Twice: counted, and kept."""
        rows = [world.get(HISTORIES[call], start="2027-03-01", end="2027-03-01").json["data"][0] for _ in range(2)]
        assert rows[0] == rows[1] and rows[0]["date"] == "2027-03-01"
        return rows[0]["count"], list(rows[0]["location"].get("China", {}).get("Guangdong", {}))

    for change, expected in (({}, (2, ["count", "Guangzhou"])), ({"city": "Zhuhai"}, (2, ["count", "Zhuhai"])),
                             ({"is_disabled": True}, (1, []))):
        world.import_devices({**device, **GUANGZHOU, **change})
        for call in HISTORIES:
            assert row(call) == expected, (call, change)
