"""GET agg_data: what numeric datapoints come to by the hour, day, week or month, against a plain model."""

import datetime
import random
import time
import zoneinfo

import pytest

from world import World, definition, frame, status_report

SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")
DAY_MS = 86400 * 1000
NUMBERS = ["on_timing", "off_timing", "set_temp", "room_temp"]
FORMATS = {"HOURS": "%Y%m%d%H", "DAYS": "%Y%m%d", "WEEKS": "%G%V", "MONTHS": "%Y%m"}
FOLDS = {"sum": sum, "avg": lambda values: sum(values) / len(values), "max": max, "min": min}


def now_ms():
    return int(time.time() * 1000)


def ask(world, did, **parameters):
    now = now_ms()
    return world.get(f"devices/{did}/agg_data", **{"start_ts": now - DAY_MS, "end_ts": now, "attrs": "set_temp",
                                                   "aggregator": "avg", "unit": "MONTHS", **parameters})


class Told:
    """A device that has reported numbers at random, over four seconds."""

    def __init__(self, world):
        chance = random.Random(21)
        self.world = world
        device = world.device(level=4)
        self.did = device.did
        for _ in range(4):
            for _ in range(chance.randint(3, 9)):
                device.report(status_report(on_timing=chance.randint(0, 24), off_timing=chance.randint(0, 24),
                                            set_temp=chance.randint(16, 30), room_temp=chance.randint(-10, 35)), qos=1)
            second = int(time.time())
            while int(time.time()) == second:
                time.sleep(0.02)
        self.reports = world.get(f"devices/{self.did}/data", limit=1000, sort="asc").json["objects"]
        # The log tells milliseconds, which the whole seconds of `data` do not.
        stamps = world.get(f"devices/{self.did}/cmd", limit=1000, sort="asc").json["objects"]
        self.reports = [(round(stamp["timestamp"] * 1000), report["attrs"])
                        for stamp, report in zip(stamps, self.reports, strict=True)]

    def expected(self, names, aggregator, unit, start, end):
        rows = {}
        for ms, attrs in self.reports:
            if start <= ms <= end:
                moment = datetime.datetime.fromtimestamp(ms / 1000, SHANGHAI).strftime(FORMATS[unit])
                for name in names:
                    rows.setdefault(moment, {}).setdefault(name, []).append(attrs[name])
        return [{"attrs": {name: pytest.approx(FOLDS[aggregator](values), rel=1e-13) for name, values in attrs.items()},
                 "datetime": moment} for moment, attrs in sorted(rows.items())]


@pytest.fixture(scope="module")
def told(shared_server):
    return Told(World(shared_server))


def test_the_answer_repeats_the_query(told):
    now = now_ms()
    answer = ask(told.world, told.did, start_ts=now - 5, end_ts=now, attrs="room_temp,set_temp", aggregator="max", unit="WEEKS")
    assert answer.status == 200 and set(answer.json) == {"query", "data"}
    assert answer.json["query"] == {"start_ts": now - 5, "end_ts": now, "attrs": "room_temp,set_temp", "aggregator": "max",
                                    "unit": "WEEKS"}


@pytest.mark.parametrize("unit", FORMATS)
@pytest.mark.parametrize("aggregator", FOLDS)
def test_numbers_are_taken_together(told, aggregator, unit):
    start, end = told.reports[0][0], told.reports[-1][0]
    answer = ask(told.world, told.did, start_ts=start, end_ts=end, attrs=",".join(NUMBERS), aggregator=aggregator, unit=unit)
    assert answer.json["data"] == told.expected(NUMBERS, aggregator, unit, start, end)
    assert answer.json["data"]


def test_a_window_takes_both_its_milliseconds(told):
    chance = random.Random(3)
    stamps = [ms for ms, _ in told.reports]
    for _ in range(60):
        start, end = sorted(chance.choice(stamps) + chance.choice([-1, 0, 0, 1]) for _ in range(2))
        names = chance.sample(NUMBERS, chance.randint(1, 4))
        answer = ask(told.world, told.did, start_ts=start, end_ts=end, attrs=",".join(names), aggregator="sum", unit="HOURS")
        assert answer.json["data"] == told.expected(names, "sum", "HOURS", start, end), (start, end)


def test_nothing_reported_is_no_row(told):
    assert ask(told.world, told.world.register()[0]).json["data"] == []
    before = told.reports[0][0] - 1
    assert ask(told.world, told.did, start_ts=before - DAY_MS, end_ts=before).json["data"] == []


def test_a_name_given_twice_is_one(told):
    row, = ask(told.world, told.did, attrs=" set_temp , set_temp,room_temp").json["data"][-1:]
    assert set(row["attrs"]) == {"set_temp", "room_temp"}


def test_decimals_come_out_as_they_were_reported(world):
    """0.1 + 0.2 is 0.3, whatever binary fractions say."""
    ratios = definition("air-conditioner", world.product_key)
    for point in ratios["entities"][0]["attrs"]:
        if point["name"] == "set_temp":
            point["uint_spec"] = {"min": 0, "max": 100, "ratio": 0.1, "addition": 0}
    world.configure_product("--force", datapoint=ratios)
    device = world.device(level=4)
    for tenths in (1, 2):
        device.report(status_report(set_temp=tenths), qos=1)
    for aggregator, value in (("sum", 0.3), ("avg", 0.15), ("max", 0.2), ("min", 0.1)):
        row, = ask(world, device.did, aggregator=aggregator, unit="MONTHS").json["data"]
        assert row["attrs"] == {"set_temp": value}
    device.disconnect()


def test_a_report_counts_as_the_definition_of_its_time_read_it(world):
    device = world.device(level=4)
    device.report(status_report(set_temp=20), qos=1)
    later = definition("air-conditioner", world.product_key)
    for point in later["entities"][0]["attrs"]:
        if point["name"] == "set_temp":
            point["uint_spec"] = {**point["uint_spec"], "ratio": 2}
    world.configure_product("--force", datapoint=later)
    device.report(status_report(set_temp=30), qos=1)
    row, = ask(world, device.did, aggregator="sum").json["data"]
    assert row["attrs"] == {"set_temp": 80}
    device.disconnect()


def test_a_report_of_variable_length_counts_what_it_carries(shared_server):
    world = World(shared_server, datapoint="heater")
    device = world.device(level=4)
    device.report(frame(0x0091, bytes.fromhex("140000000001400064 0a")), qos=1)
    device.report(frame(0x0091, bytes.fromhex("140000000000400014")), qos=1)
    row, = ask(world, device.did, attrs="pressure,curve,burner", aggregator="avg").json["data"]
    assert row["attrs"] == {"pressure": 60, "burner": 10}
    device.disconnect()


@pytest.mark.parametrize("wrong", [
    {"start_ts": None}, {"end_ts": None}, {"attrs": None}, {"aggregator": None}, {"unit": None}, {"start_ts": "x"},
    {"end_ts": -1}, {"start_ts": 2**62}, {"aggregator": "median"}, {"aggregator": "SUM"}, {"unit": "days"}, {"unit": "YEARS"},
    {"attrs": ""}])
def test_what_is_absent_or_mistyped_is_5002(told, wrong):
    answer = ask(told.world, told.did, **wrong)
    assert answer.error == (400, 5002)
    assert next(iter(wrong)) in answer.json["detail_message"]


def test_a_window_has_an_order_and_a_month_at_most(told):
    now = now_ms()
    assert ask(told.world, told.did, start_ts=now, end_ts=now - 1).error == (400, 5002)
    assert ask(told.world, told.did, start_ts=now - 31 * DAY_MS, end_ts=now).status == 200
    assert ask(told.world, told.did, start_ts=now - 31 * DAY_MS - 1, end_ts=now).error == (400, 5002)


@pytest.mark.parametrize("attrs,error", [("nothing", (404, 5405)), ("set_temp,", (404, 5405)),
                                         ("set_temp,nothing", (404, 5405)), ("switch", (400, 5401)), ("set_temp,mode", (400, 5401))])
def test_a_point_that_cannot_be_aggregated_is_named(told, attrs, error):
    assert ask(told.world, told.did, attrs=attrs).error == error


def test_objects_that_are_not_there(told, shared_server):
    other = World(shared_server, datapoint=None)
    assert ask(told.world, "x" * 22).error == (404, 5301)
    assert ask(told.world, other.register()[0]).error == (403, 5302)
    assert ask(other, other.register()[0]).error == (404, 5402)
