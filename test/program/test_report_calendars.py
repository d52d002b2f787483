"""Every report of fleets with a random history, compared with a slow model, before and after a crash: over new years, month
ends and weeks, on days of 23 and 25 hours, on a day that begins at one o'clock and over one that there never was.

Other histories: MUSTER_SEED=100 python3 -m pytest test/program/test_report_calendars.py"""

import datetime
import os

import pytest

from clock import environment
from reportfleet import MOMENTS, ReportFleet
from reportpeople import People
from server import first_and_repeats, wait_until
from test_device_reports import bring
from world import World

CALENDARS = {
    "a new year": ("Asia/Shanghai", MOMENTS),
    "a day of 25 hours": ("Europe/Berlin", [
        "2026-10-18 23:50", "2026-10-19 00:00:02", "2026-10-24 23:50", "2026-10-25 00:00:02", "2026-10-25 02:30+02:00",
        "2026-10-25 02:30+01:00", "2026-10-25 23:50", "2026-10-26 00:00:02", "2026-10-31 23:50", "2026-11-01 00:00:02",
        "2026-11-02 08:00"]),
    "a day of 23 hours": ("America/New_York", [
        "2027-02-28 23:50", "2027-03-01 00:00:02", "2027-03-13 23:50", "2027-03-14 00:00:02", "2027-03-14 03:00:02",
        "2027-03-14 23:50", "2027-03-15 00:00:02", "2027-03-20 12:00"]),
    "a day that begins at one": ("Asia/Beirut", [
        "2024-02-29 23:50", "2024-03-01 00:00:02", "2024-03-30 23:50", "2024-03-31 01:00:02", "2024-03-31 23:50",
        "2024-04-01 00:00:02", "2024-04-02 12:00"]),
    "a day that never was": ("Pacific/Apia", [
        "2011-12-28 12:00", "2011-12-29 23:50", "2011-12-31 00:00:02", "2011-12-31 23:50", "2012-01-01 00:00:02",
        "2012-01-02 12:00"]),
}


SEEDS = {calendar: int(os.environ.get("MUSTER_SEED", "5")) + number for number, calendar in enumerate(CALENDARS)}


@pytest.mark.parametrize("calendar", first_and_repeats(CALENDARS))
def test_every_report_of_devices_before_and_after_a_crash(make_server, calendar):
    fleet = ReportFleet(make_server, SEEDS[calendar], 80, *CALENDARS[calendar])
    fleet.check_everything()
    for device, connection in fleet.connections:
        connection.close()
        device["online"] = False
    wait_until(lambda: fleet.get("devices/search", is_online=1)["meta"]["total"] == 0)
    fleet.check_everything()
    fleet.server.kill()
    fleet.server.env = environment(fleet.moments[-1] + 600)
    fleet.server.start()
    fleet.check_everything()


@pytest.mark.parametrize("calendar", first_and_repeats(CALENDARS))
def test_every_report_of_users_before_and_after_a_crash(make_server, calendar):
    people = People(make_server, SEEDS[calendar], *CALENDARS[calendar])
    people.check_everything()
    people.server.kill()
    people.server.env = environment(people.moments[-1] + 600)
    people.server.start()
    people.check_everything()


@pytest.mark.parametrize("zone,moment,day", [
    ("America/New_York", "2027-03-14T06:59:30+00:00", "2027-03-14"),
    ("America/New_York", "2027-03-14T04:59:30+00:00", "2027-03-13"),
    ("Europe/Berlin", "2026-10-24T22:30:00+00:00", "2026-10-25"), ("Europe/Berlin", "2026-10-25T22:59:30+00:00", "2026-10-25"),
    ("UTC", "2026-12-31T23:59:30+00:00", "2026-12-31")])
def test_days_are_those_of_the_time_zone_that_is_set(make_shared_server, zone, moment, day):
    """Also on the days on which clocks are put forward or back."""
    unix_s = int(datetime.datetime.fromisoformat(moment).timestamp())
    world = World(make_shared_server("--time-zone", zone, env=environment(unix_s)))
    device = bring(world, "m", created_at=unix_s)
    row, = world.get("active_devices").json["objects"]
    assert row["report_date"] == day
    assert row["created_at"].startswith(day)
    assert world.get("incr_devices").json["objects"] == [row]
    device.disconnect()
