"""A server whose clock is wrong for a while: what is written then stays where it is, and all that follows is of the true time."""

import re
import time

import pytest

from clock import environment, restart_at
from mqtt import frame
from reportfleet import counts
from server import run, wait_until
from world import World, status_report

DAY = 86400


def set_clock(path, ahead_s):
    """Moves the clock of a running process: libfaketime reads the file with each look at the clock."""
    path.write_text(f"{ahead_s:+d}")


def clocked_server(make_server, tmp_path, *options, ahead_s=0):
    """A server with a clock that can be set while it runs: (server, set)."""
    file = tmp_path / "clock"
    set_clock(file, ahead_s)
    env = environment(time.time())
    del env["FAKETIME"]
    server = make_server(*options, env={**env, "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1"})
    return server, lambda ahead_s: set_clock(file, ahead_s)


@pytest.fixture
def clocked(make_server, tmp_path):
    return clocked_server(make_server, tmp_path)


def rows(world, device, call, **parameters):
    """All rows of a log, read in pages of three, and the total that each page tells."""
    found, skip = [], 0
    while True:
        answer = world.get(f"devices/{device.did}/{call}", limit=3, skip=skip, **parameters).json
        found += answer["objects"]
        total = answer["meta"]["total"]
        skip += 3
        if skip >= total:
            assert len(found) == total
            return found


def temperatures(world, device, **parameters):
    return [row["attrs"]["set_temp"] for row in rows(world, device, "data", sort="asc", **parameters)]


def report(device, *values):
    for value in values:
        device.report(status_report(set_temp=value), qos=1)


def check(server):
    result = run("check", "--data", server.data)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("ahead_s,kill", [(400 * DAY, False), (400 * DAY, True), (7200, False), (3 * DAY, True)])
def test_a_clock_that_was_ahead_once_costs_nothing_afterwards(make_server, ahead_s, kill):
    server = make_server(env=environment(time.time()))
    world = World(server)
    registered = world.register()
    device = world.device(level=4, registered=registered)
    report(device, 16, 17, 18)
    restart_at(server, time.time() + ahead_s, kill)
    world._token = None
    device = world.device(level=4, registered=registered)
    report(device, 26, 27, 28, 29)
    assert temperatures(world, device)[-4:] == [26, 27, 28, 29]
    for later in (5, 10):  # restart_at is right to a second
        restart_at(server, time.time() + later, kill)
        world._token = None
        device = world.device(level=4, registered=registered)
        report(device, 20, 21)
    now = time.time() + later
    assert temperatures(world, device) == [16, 17, 18, 20, 21, 20, 21]
    assert temperatures(world, device, end_ts=int(now) + 60) == [16, 17, 18, 20, 21, 20, 21]
    assert all(abs(row["timestamp"] - now) < 3600 for row in rows(world, device, "cmd"))
    assert [row["payload"][-8:-6] for row in rows(world, device, "cmd", sort="asc")] \
        == ["%02x" % t for t in (16, 17, 18, 20, 21, 20, 21)]
    newest = rows(world, device, "online")[0]
    assert newest["type"] == "dev_online" and abs(newest["timestamp"] - now) < 3600
    start, end = int(now * 1000) - 3600000, int(now * 1000) + 60000
    data = world.get(f"devices/{device.did}/agg_data", start_ts=start, end_ts=end, attrs="set_temp", aggregator="sum",
                     unit="MONTHS").json["data"]
    assert sum(row["attrs"]["set_temp"] for row in data) == 16 + 17 + 18 + 2 * (20 + 21)
    found, = world.get("devices/search", type="did", val=device.did).json["objects"]
    assert found["is_online"]
    assert "event=clock_jumped seconds=-" in server.log_text()

    # the calendar catches up: what was written ahead is where it was, and the rest before and behind it
    restart_at(server, time.time() + ahead_s + 60, kill)
    world._token = None
    device = world.device(level=4, registered=registered)
    report(device, 30)
    before = [16, 17, 18, 20, 21, 20, 21] if ahead_s < 2 * DAY else []
    assert temperatures(world, device) == before + [26, 27, 28, 29, 30]
    assert server.stop() == 0
    check(server)


def test_a_running_server_follows_its_clock_and_says_once_how_far_it_has_jumped(clocked):
    server, set_ahead = clocked
    world = World(server)
    device = world.device(level=4)
    token = world.token
    report(device, 16, 17)

    def jumps():
        return [int(s) for s in re.findall(r"event=clock_jumped seconds=([+-]\d+)", server.log_text())]

    set_ahead(7200)
    report(device, 26, 27, 28)
    wait_until(lambda: len(jumps()) == 1)
    set_ahead(0)
    report(device, 18, 19)
    assert temperatures(world, device) == [16, 17, 18, 19]
    set_ahead(-30)
    report(device, 20)
    set_ahead(0)
    report(device, 21)
    assert temperatures(world, device) == [16, 17, 18, 19, 20, 21]
    wait_until(lambda: len(jumps()) == 2)
    assert [round(s, -1) for s in jumps()] == [7200, -7200]
    assert world.token == token
    set_ahead(7100)  # some of what lies ahead is behind the clock, and reports come in between
    report(device, 22)
    set_ahead(7230)
    report(device, 23)
    assert temperatures(world, device)[-1] == 23
    assert sorted(temperatures(world, device)) == [16, 17, 18, 19, 20, 21, 22, 23, 26, 27, 28]
    assert temperatures(world, device).index(22) < temperatures(world, device).index(26)
    device.disconnect()
    rows(world, device, "online")
    assert server.stop() == 0
    check(server)


def test_a_fault_that_opened_ahead_of_time_ends_with_the_next_good_report(clocked):
    server, set_ahead = clocked
    world = World(server)
    device = world.device(level=4)
    set_ahead(3 * DAY)
    device.report(status_report(faults=1), qos=1)
    set_ahead(0)
    device.report(status_report(faults=0)[:-1], qos=1)  # not decoded: events stay as they are
    device.report(frame(0x0091), qos=1)
    assert world.get("fault/report/events").json["count"] == counts(1, 0)
    device.report(status_report(faults=0), qos=1)
    assert world.get("fault/report/events").json["count"] == counts(1, 1)
    assert server.stop() == 0
    check(server)


def test_messages_that_expire_when_a_machine_wakes_up_are_in_the_states_that_a_crash_leaves(make_server, tmp_path):
    noon = int(time.time()) // DAY * DAY + DAY // 2 - int(time.time())
    server, set_ahead = clocked_server(make_server, tmp_path, "--retention-days", "1", ahead_s=noon)
    world = World(server)
    device = world.device(level=4)
    report(device, 16, 17, 18)
    device.report(status_report(faults=1), qos=1)
    set_ahead(noon + 47 * 3600)
    wait_until(lambda: "event=journal_day_expired" in server.log_text())
    server.kill()
    server.start()
    row, = world.get("devices/search").json["objects"]
    assert row["is_faulty"] and world.get("fault/report/events").json["count"] == counts(1, 0)
    device = world.device(level=4, registered=(device.did, device.passcode))
    report(device, 19)
    assert world.get("fault/report/events").json["count"] == counts(1, 1)
    device.disconnect()
    assert server.stop() == 0
    check(server)


def test_the_order_of_what_a_deleted_device_said_is_not_looked_at(clocked):
    server, set_ahead = clocked
    device = World(server).device(level=4)
    report(device, 16)
    set_ahead(7200)
    report(device, 26, 27)
    set_ahead(0)
    report(device, 17)
    assert run("delete", "--data", server.data, "device", device.did).returncode == 0
    assert server.stop() == 0
    check(server)
