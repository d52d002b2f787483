"""GET online, cmd and data: windows, order, pages, and how each message was read when it came."""

import time

import pytest

from mqtt import Device
from server import wait_until
from world import REPORT, World, definition, frame, status_report

DAY = 86400
CALLS = ["online", "cmd", "data"]
GRACE = 60


def now():
    return int(time.time())


class Told:
    """A device with a history over three seconds, and its whole log as each call answers it, oldest
    first."""

    def __init__(self, world):
        self.world = world
        self.did, self.passcode = world.register()
        self.number = 0
        for count in (4, 7, 3):
            self.sessions(count)
            second = now()
            while now() <= second:
                time.sleep(0.02)
        self.rows = {call: self.get(call)["objects"] for call in CALLS}

    def sessions(self, count):
        for _ in range(count):
            device = Device(self.world.server.mqtt, self.did, self.passcode, self.world.product_key, 4).login()
            for _ in range(2):
                device.report(status_report(on_timing=self.number % 25, off_timing=self.number // 25), qos=1)
                self.number += 1
            device.disconnect()
            wait_until(lambda: not self.world.get("devices/search", type="did", val=self.did).json["objects"][0]["is_online"])

    def ask(self, call, **parameters):
        return self.world.get(f"devices/{self.did}/{call}", **parameters)

    def get(self, call, **parameters):
        answer = self.ask(call, **{"limit": 1000, "sort": "asc", **parameters})
        assert answer.status == 200, answer.body
        return answer.json

    def seconds(self, call):
        return sorted({int(moment(row)) for row in self.rows[call]})

    def between(self, call, start, end):
        return [row for row in self.rows[call] if start <= int(moment(row)) <= end]


def moment(row):
    return row["ts"] if "ts" in row else row["timestamp"]


@pytest.fixture(scope="module")
def told(shared_server):
    return Told(World(shared_server))


# --- what there is ----------------------------------------------------------------------------------------

def test_every_message_and_session_is_there_in_order(told):
    numbers = [row["attrs"]["on_timing"] + 25 * row["attrs"]["off_timing"] for row in told.rows["data"]]
    assert numbers == list(range(28))
    assert [row["type"] for row in told.rows["online"]] == ["dev_online", "dev_offline"] * 14
    assert [row["type"] for row in told.rows["cmd"]] == ["dev2app"] * 28
    for call in CALLS:
        assert [moment(row) for row in told.rows[call]] == sorted(moment(row) for row in told.rows[call])
        assert len(told.seconds(call)) >= 3, "this history proves nothing about windows"


def test_a_timestamp_is_a_float_with_milliseconds_but_ts_an_integer(told):
    for call in ("online", "cmd"):
        for row in told.rows[call]:
            assert isinstance(row["timestamp"], float) and round(row["timestamp"], 3) == row["timestamp"]
        assert len({row["timestamp"] % 1 for row in told.rows[call]}) > 3
    assert all(isinstance(row["ts"], int) for row in told.rows["data"])


def test_the_same_message_has_the_same_moment_in_cmd_and_data(told):
    assert [int(row["timestamp"]) for row in told.rows["cmd"]] == [row["ts"] for row in told.rows["data"]]


@pytest.mark.parametrize("call", CALLS)
def test_rows_have_the_documents_fields(told, call):
    fields = {"ts", "attrs"} if call == "data" else {"timestamp", "type", "payload"}
    assert all(set(row) == fields for row in told.rows[call])


# --- order ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("call", CALLS)
def test_the_newest_comes_first_unless_asked_otherwise(told, call):
    newest_first = list(reversed(told.rows[call]))
    assert told.ask(call, limit=1000).json["objects"] == newest_first
    assert told.ask(call, limit=1000, sort="desc").json["objects"] == newest_first
    assert told.ask(call, limit=1000, sort="asc").json["objects"] == told.rows[call]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("sort", ["up", "DESC", "ascending", "1", "asc,desc"])
def test_another_order_is_5002(told, call, sort):
    assert told.ask(call, sort=sort).error == (400, 5002)


# --- windows ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("call", CALLS)
def test_a_window_takes_its_first_and_its_last_second(told, call):
    seconds = told.seconds(call)
    for start in range(seconds[0] - 1, seconds[-1] + 2):
        for end in range(start, seconds[-1] + 2):
            if start > now():
                continue
            answer = told.get(call, start_ts=start, end_ts=end)
            expected = told.between(call, start, end)
            assert (answer["objects"], answer["meta"]["total"]) == (expected, len(expected)), (start, end)


@pytest.mark.parametrize("call", CALLS)
def test_without_an_end_the_window_is_two_days_from_its_start(told, call):
    second = told.seconds(call)[1]
    assert told.get(call, start_ts=second)["objects"] == told.between(call, second, now())
    assert told.get(call, start_ts=now() - DAY)["objects"] == told.rows[call]
    assert told.get(call, start_ts=now() - 3 * DAY)["meta"]["total"] == 0


@pytest.mark.parametrize("call", CALLS)
def test_without_a_start_the_window_is_the_two_days_before_its_end(told, call):
    second = told.seconds(call)[1]
    assert told.get(call, end_ts=second)["objects"] == told.between(call, 0, second)
    assert told.get(call, end_ts=now())["objects"] == told.rows[call]
    assert told.get(call, end_ts=told.seconds(call)[0] - 1)["meta"]["total"] == 0


@pytest.mark.parametrize("call", CALLS)
def test_an_end_in_the_future_is_cut_to_now(told, call):
    for end in (now() + 1, now() + 3600, now() + 10 * DAY, 2**53):
        assert told.get(call, start_ts=told.seconds(call)[0], end_ts=end)["objects"] == told.rows[call]
        assert told.get(call, end_ts=end)["objects"] == told.rows[call]


@pytest.mark.parametrize("call", CALLS)
def test_a_cut_window_may_span_two_days(told, call):
    assert told.ask(call, start_ts=now() - 2 * DAY + 5, end_ts=now() + 3600).status == 200


@pytest.mark.parametrize("call", CALLS)
def test_a_window_spans_two_days_at_most(told, call):
    start = now() - 4 * DAY
    assert told.ask(call, start_ts=start, end_ts=start + 2 * DAY).status == 200
    assert told.ask(call, start_ts=start, end_ts=start + 2 * DAY + 1).error == (400, 5002)
    assert told.ask(call, start_ts=now() - 6 * DAY, end_ts=now()).error == (400, 5002)


@pytest.mark.parametrize("call", CALLS)
def test_a_window_lies_within_the_last_seven_days_and_a_minute(told, call):
    edge = now() - 7 * DAY
    for start, status in ((edge + 5, 200), (edge, 200), (edge - GRACE + 10, 200), (edge - GRACE - 10, 400), (edge - DAY, 400),
                          (0, 400)):
        answer = told.ask(call, start_ts=start, end_ts=start + DAY)
        assert answer.status == status, start - edge
        if status == 400:
            assert answer.error == (400, 5002)
    assert told.ask(call, start_ts=edge).status == 200


@pytest.mark.parametrize("call", CALLS)
def test_a_window_that_ends_before_it_begins_is_5002(told, call):
    assert told.ask(call, start_ts=now() - 10, end_ts=now() - 11).error == (400, 5002)
    assert told.ask(call, start_ts=now() + 1000, end_ts=now() + 2000).error == (400, 5002)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("value", ["x", "-1", "1.5", "1e9", "0x10", str(2**70), " 1", "1517384243 "])
def test_a_moment_that_is_no_integer_is_5002(told, call, value):
    for name in ("start_ts", "end_ts"):
        answer = told.ask(call, **{name: value})
        assert answer.error == (400, 5002) and name in answer.json["detail_message"]


# --- pages ----------------------------------------------------------------------------------------------------

def pages(told, call, **parameters):
    """All rows, by the links."""
    page = told.ask(call, **parameters).json
    assert page["meta"]["previous"] is None
    rows, total = [], page["meta"]["total"]
    while True:
        assert (page["meta"]["total"], page["meta"]["skip"]) == (total, len(rows))
        rows += page["objects"]
        if page["meta"]["next"] is None:
            assert len(rows) == total
            return rows
        page = told.world.follow(page["meta"]["next"]).json


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 3, 20, 28, 29, 1000])
def test_following_next_shows_every_row_once(told, call, sort, limit):
    rows = told.rows[call] if sort == "asc" else list(reversed(told.rows[call]))
    assert pages(told, call, sort=sort, limit=limit) == rows


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_pages_stay_within_the_window(told, call, sort):
    start, end = told.seconds(call)[0], told.seconds(call)[-2]
    rows = told.between(call, start, end)
    assert pages(told, call, sort=sort, limit=3, start_ts=start, end_ts=end) == (rows if sort == "asc" else rows[::-1])


@pytest.mark.parametrize("call", CALLS)
def test_following_previous_leads_back_to_the_beginning(told, call):
    page = told.ask(call, sort="asc", limit=4, skip=10).json
    skips = []
    while page["meta"]["previous"]:
        page = told.world.follow(page["meta"]["previous"]).json
        skips.append(page["meta"]["skip"])
    assert skips == [6, 2, 0] and page["objects"] == told.rows[call][:4]


@pytest.mark.parametrize("call", CALLS)
def test_the_default_page_has_20_rows(told, call):
    answer = told.ask(call).json
    assert (answer["meta"]["limit"], answer["meta"]["skip"], len(answer["objects"])) == (20, 0, 20)


@pytest.mark.parametrize("call", CALLS)
def test_a_page_behind_the_end_is_empty(told, call):
    for skip in (len(told.rows[call]), 10**12):
        page = told.get(call, skip=skip)
        assert page["objects"] == [] and page["meta"]["total"] == len(told.rows[call]) and page["meta"]["next"] is None


@pytest.mark.parametrize("call", CALLS)
def test_a_page_of_none_counts_only(told, call):
    page = told.get(call, limit=0)
    assert page["objects"] == [] and page["meta"]["total"] == len(told.rows[call])


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("parameters", [{"limit": 1001}, {"limit": -1}, {"limit": "x"}, {"skip": -1}, {"skip": "x"},
                                        {"limit": 2**64}, {"skip": 2**64}])
def test_a_page_that_cannot_be_is_5002(told, call, parameters):
    assert told.ask(call, **parameters).error == (400, 5002)


@pytest.mark.parametrize("call", CALLS)
def test_a_device_that_has_told_nothing_has_an_empty_log(world, call):
    did, _ = world.register()
    assert world.get(f"devices/{did}/{call}").json == {
        "meta": {"total": 0, "limit": 20, "skip": 0, "previous": None, "next": None}, "objects": []}


@pytest.mark.parametrize("call", CALLS)
def test_an_unknown_device_is_5301_and_anothers_5302(world, shared_server, call):
    foreign, _ = World(shared_server).register()
    assert world.get(f"devices/{'x' * 22}/{call}").error == (404, 5301)
    assert world.get(f"devices/{foreign}/{call}").error == (403, 5302)


@pytest.mark.parametrize("call", CALLS)
def test_a_disabled_devices_log_stays_readable(world, call):
    device = world.device(mac="m", level=4)
    device.report(REPORT, qos=1)
    world.import_devices({"mac": "m", "is_disabled": True})
    assert world.get(f"devices/{device.did}/{call}").json["meta"]["total"] >= 1


def test_logs_survive_a_kill_row_for_row(make_server):
    server = make_server()
    told = Told(World(server))
    server.kill()
    server.start()
    for call in CALLS:
        assert told.get(call)["objects"] == told.rows[call]
        assert pages(told, call, limit=7, sort="desc") == told.rows[call][::-1]


def test_the_end_that_a_crash_left_out_is_a_row_like_any_other(make_server):
    server = make_server()
    world = World(server)
    device = world.device(level=4)
    for ended in (2, 4, 6):
        device.disconnect()
        wait_until(lambda: world.get(f"devices/{device.did}/online").json["meta"]["total"] == ended)
        device = world.device(level=4, registered=(device.did, device.passcode))
    wait_until(lambda: world.get(f"devices/{device.did}/online").json["meta"]["total"] == 7)
    server.kill()
    server.start()
    rows = world.get(f"devices/{device.did}/online", sort="asc").json["objects"]
    assert [row["type"] for row in rows][1::2] == ["dev_offline"] * 4
    assert [row["payload"]["reason"] for row in rows[1::2]] == ["mqtt_disconnect"] * 3 + ["offline_exception"]
    for sort, expected in (("asc", rows), ("desc", rows[::-1])):
        for limit in range(1, 10):
            for skip in range(0, 10):
                page = world.get(f"devices/{device.did}/online", sort=sort, limit=limit, skip=skip).json
                assert (page["objects"], page["meta"]["total"]) == (expected[skip:skip + limit], 8), (sort, limit, skip)
    before_it = int(rows[-1]["timestamp"]) - 1
    assert world.get(f"devices/{device.did}/online", end_ts=before_it).json["meta"]["total"] == len(
        [row for row in rows if int(row["timestamp"]) <= before_it])


def test_a_long_log_is_read_page_by_page(make_server):
    world = World(make_server("--device-messages", "0", "--device-bytes", "0"))
    device = world.device(level=4)
    for number in range(2500):
        device.publish(f"dev2app/{device.did}", status_report(on_timing=number % 25, off_timing=number // 25 % 25,
                                                              set_temp=16 + number // 625))
    device.report(frame(0x0091), qos=1)
    numbers, skip = [], 0
    while skip < 2500:
        page = world.get(f"devices/{device.did}/data", sort="asc", limit=1000, skip=skip).json
        assert page["meta"]["total"] == 2500
        numbers += [row["attrs"]["on_timing"] + 25 * row["attrs"]["off_timing"] + 625 * (row["attrs"]["set_temp"] - 16)
                    for row in page["objects"]]
        skip += len(page["objects"])
    assert numbers == list(range(2500))
    last = world.get(f"devices/{device.did}/cmd", limit=1).json
    assert last["meta"]["total"] == 2501 and last["objects"][0]["payload"] == frame(0x0091).hex()


# --- reading -----------------------------------------------------------------------------------------------------

def last_attrs(world, device, p0):
    device.report(frame(0x0091, bytes.fromhex(p0)), qos=1)
    return world.get(f"devices/{device.did}/data", limit=1).json["objects"][0]["attrs"]


def test_numbers_are_scaled_and_bits_taken_apart(shared_server):
    world = World(shared_server, datapoint="ph-meter")
    assert last_attrs(world, world.device(level=4), "03 00 02dc 089d 0000 0000") == {
        "acidity_over": 0, "potential_over": 0, "conductivity_over": 0, "temperature_over": 0, "acidity": 7.32,
        "potential": 205, "conductivity": 0, "temperature": 0}


def test_every_group_of_points_begins_on_its_own_byte(shared_server):
    world = World(shared_server, datapoint="pet-feeder")
    assert last_attrs(world, world.device(level=4), "04 05ff0010080126320105") == {
        "lamp": 1, "colour": "紫", "red": 255, "green": 0, "blue": 16, "motor": 3, "presence": 1, "temperature": 25,
        "humidity": 50, "alert_bowl": 1, "alert_water": 0, "fault_lamp": 1, "fault_motor": 0, "fault_climate": 1,
        "fault_presence": 0}


def test_wide_numbers_keep_their_precision_and_binary_is_hex(shared_server):
    world = World(shared_server, datapoint="power-meter")
    attrs = last_attrs(world, world.device(level=4), "04 01 3b9aca01 03eb" + "0f" * 16 + "02 ffffffff 00030d41 00000001 0190"
                       "0a0b0c0d0e0f 01 02")
    assert attrs == {"relay": 1, "limit": 0.001, "zero": 0.25, "key": "0f" * 16, "phase": "L3", "energy": 42949672.95,
                     "power": 0.1, "clock": 1, "temperature": 0, "serial": "0a0b0c0d0e0f", "alert_limit": 1, "fault_meter": 0,
                     "fault_clock": 1}


def test_a_report_of_variable_length_may_carry_a_part(shared_server):
    world = World(shared_server, datapoint="heater")
    device = world.device(level=4)
    first = last_attrs(world, device, "14 00000000040102 03 21")
    assert {name: first[name] for name in ("heating", "water_mode", "comfort")} == {
        "heating": 1, "water_mode": "fixed", "comfort": 21.5}
    second = last_attrs(world, device, "14 00000000400000 64")
    assert second["room"] == 0
    assert second.get("comfort", 21.5) == 21.5 and second.get("heating", 1) == 1


def test_an_answer_to_a_read_is_a_row_like_a_report(world):
    device = world.device(level=4)
    assert last_attrs(world, device, "03 01 00 00 12 14 00 00")["set_temp"] == 18
    device.publish(f"dev2app/{device.did}", frame(0x0094, bytes.fromhex("03 01 00 00 13 14 00 00"), sn=9), qos=1)
    device.receive_kind(4)
    assert world.get(f"devices/{device.did}/cmd").json["meta"]["total"] == 2


@pytest.mark.parametrize("payload", [frame(0x0091), frame(0x0091, b"\6\1\2\3"), frame(0x0094, b"", sn=1), b"\0\0\0\3"])
def test_what_carries_no_datapoints_is_in_cmd_only(world, payload):
    device = world.device(level=4)
    device.report(payload, qos=1)
    assert world.get(f"devices/{device.did}/cmd").json["objects"][0]["payload"] == payload.hex()
    assert world.get(f"devices/{device.did}/data").json["meta"]["total"] == 0


def test_without_a_definition_there_are_no_rows_of_data(shared_server):
    world = World(shared_server, datapoint=None)
    device = world.device(level=4)
    device.report(REPORT, qos=1)
    assert world.get(f"devices/{device.did}/data").json["meta"]["total"] == 0
    assert world.get(f"devices/{device.did}/cmd").json["meta"]["total"] == 1


def changed_definition(world):
    content = definition("air-conditioner", world.product_key)
    attrs = content["entities"][0]["attrs"]
    attrs[2]["enum"] = ["cool", "heat", "dry", "fan", "auto"]
    attrs[7]["uint_spec"].update(ratio=0.5, addition=-20)
    attrs[0]["name"] = "power"
    return content


def test_a_row_is_read_as_it_was_defined_when_it_came(make_server):
    server = make_server()
    world = World(server)
    device = world.device(level=4)
    device.report(status_report(mode=1, room_temp=20), qos=1)
    world.configure_product("--force", datapoint=changed_definition(world))
    device.report(status_report(mode=1, room_temp=20), qos=1)
    world.configure_product("--force", datapoint=definition("plug", world.product_key))
    device.report(frame(0x0091, b"\4\1"), qos=1)
    device.report(status_report(), qos=1)  # which the plug's definition cannot read
    world.configure_product(datapoint=None)
    device.report(status_report(), qos=1)

    def told():
        rows = world.get(f"devices/{device.did}/data", sort="asc").json
        assert rows["meta"]["total"] == 3
        first, second, third = (row["attrs"] for row in rows["objects"])
        assert (first["switch"], first["mode"], first["room_temp"]) == (1, "制热", 20)
        assert (second["power"], second["mode"], second["room_temp"]) == (1, "heat", -5)
        assert third == {"on": 1}
        assert world.get(f"devices/{device.did}/cmd").json["meta"]["total"] == 5

    told()
    device.close()
    server.kill()
    server.start()
    told()


def test_a_definition_that_came_later_reads_nothing_of_before(shared_server):
    world = World(shared_server, datapoint=None)
    device = world.device(level=4)
    device.report(REPORT, qos=1)
    world.configure_product("--force", datapoint=definition("air-conditioner", world.product_key))
    device.report(REPORT, qos=1)
    assert world.get(f"devices/{device.did}/data").json["meta"]["total"] == 1


def test_totals_of_cmd_and_data_are_told_apart(world):
    device = world.device(level=4)
    for number in range(12):
        device.report(REPORT if number % 3 else frame(0x0091), qos=1)
        if number % 4 == 0:
            assert world.control(device.did, raw=[number]).status == 200
    assert world.get(f"devices/{device.did}/data", limit=2).json["meta"]["total"] == 8
    cmd = world.get(f"devices/{device.did}/cmd", limit=1000).json
    assert cmd["meta"]["total"] == 15
    assert [row["type"] for row in cmd["objects"]].count("app2dev") == 3
