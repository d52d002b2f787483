"""用户报表: new and active users and where they are, against a plain model of who was bound to what and when."""

import datetime
import random

import pytest

from clock import at, environment, restart_at
from reportpeople import DAY, MOMENTS, People, located
from world import REPORT, World, hex_id, query, request

TODAY = datetime.date(2027, 1, 4)


@pytest.fixture(scope="module")
def people(make_shared_server):
    return People(make_shared_server)


# --- new ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("cycle", ["date", "week", "month"])
def test_new_users_by_period(people, cycle):
    chance = random.Random(4)
    for _ in range(30):
        start = datetime.date(2026, 11, 20) + chance.randrange(40) * DAY
        end = min(start + chance.randrange(60) * DAY, TODAY)
        gid = chance.choice([None, *people.groups])
        expected = people.new(cycle, start, end, gid)
        assert people.get("users/report/new", cycle=cycle, start=expected["start"], end=expected["end"], gid=gid) == expected


def test_every_user_is_new_once(people):
    rows = people.get("users/report/new", start="2026-11-01", end="2027-01-04")["data"]
    assert sum(row["count"] for row in rows) == len(people.first_days()) > 25
    assert {row["date"] for row in rows if row["count"]} >= {"2026-11-30", "2026-12-01"}


@pytest.mark.parametrize("parameters,error", [
    ({"start": None}, 5002), ({"end": None}, 5002), ({"start": "2026-12"}, 5002), ({"cycle": "day"}, 5002),
    ({"start": "2027-01-02"}, 5002), ({"start": "2020-01-01"}, 5002), ({"start": "2027-01-05", "end": "2027-01-05"}, 5014)])
def test_wrong_ranges_of_new_users(people, parameters, error):
    answer = people.world.get("users/report/new", **{"start": "2026-12-01", "end": "2027-01-01", **parameters})
    assert answer.error == (400, error)


# --- total ---------------------------------------------------------------------------------------------------------

def test_all_users_that_were_ever_bound(people):
    for gid in (None, *people.groups):
        assert people.get("users/report/total", gid=gid) == {"gid": gid, "total": len(people.first_days(gid))}
    bound_now = people.get("users/search", limit=0)["meta"]["total"]
    assert bound_now < len(people.first_days()), "nobody was unbound for good"


@pytest.mark.parametrize("call", ["users/report/new", "users/report/total"])
def test_a_group_that_is_not_the_products(people, call):
    days = {"start": "2026-12-01", "end": "2026-12-01"}
    assert people.world.get(call, gid=hex_id(), **days).error == (404, 5206)
    assert people.world.get(call, gid=people.foreign_group, **days).error == (403, 5201)


# --- active ----------------------------------------------------------------------------------------------------------

def test_active_users_by_day(people):
    chance = random.Random(6)
    for _ in range(30):
        start = datetime.date(2026, 11, 20) + chance.randrange(40) * DAY
        end = start + chance.randrange(100) * DAY
        app = chance.choice([None, *people.apps[:2]])
        assert people.liveness(start, end, appid=app) == people.active_by_day(start, end, app)
    assert sum(people.active(datetime.date.fromisoformat(moment[:10])) > 1 for moment in MOMENTS) > 5


def test_a_user_is_active_while_he_is_bound_only(make_shared_server):
    world = World(make_shared_server(env=environment(at("2026-12-01 12:00"))))
    appid, uid = hex_id(), hex_id()
    world.server.apply({"apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}],
                        "users": [{"uid": uid, "appid": appid}]})
    did, passcode = world.register()

    def day(moment, *methods):
        restart_at(world.server, at(moment))
        world._token = None
        device = world.device(registered=(did, passcode), level=4)
        device.report(REPORT, qos=1)
        for method in methods:
            assert world.call(method, "devices/bindings", {"uid": uid, "appid": appid, "dids": [did]}).status < 300
        device.disconnect()

    day("2026-12-01 12:00")
    day("2026-12-02 12:00", "POST")
    day("2026-12-03 12:00")
    day("2026-12-04 12:00", "DELETE")
    day("2026-12-05 12:00")
    day("2026-12-06 12:00", "POST", "DELETE")
    answer = request(world.server.http, "GET", "/v1/users/liveness_total?" + query(
        product_secret=world.product_secret, start_date="2026-12-01", end_date="2026-12-07"), headers=world.headers)
    assert [row["count"] for row in answer.json["data"]] == [0, 1, 1, 1, 0, 1, 0]


def test_the_longest_range_of_active_users(people):
    assert len(people.liveness(TODAY - 365 * DAY, TODAY)["data"]) == 366
    answer = people.ask("liveness_total", start_date=(TODAY - 366 * DAY).isoformat(), end_date=TODAY.isoformat())
    assert answer.error == (400, 5002)


@pytest.mark.parametrize("parameters,error", [
    ({"start_date": None}, (400, 5002)), ({"end_date": "2026-12"}, (400, 5002)), ({"start_date": "2027-01-02"}, (400, 5002)),
    ({"start_date": "2027-01-05", "end_date": "2027-01-06"}, (400, 5014)), ({"appid": hex_id()}, (404, 5016))])
def test_wrong_parameters_of_active_users(people, parameters, error):
    answer = people.ask("liveness_total", **{"start_date": "2026-12-01", "end_date": "2027-01-01", **parameters})
    assert answer.error == error


# --- where they are ----------------------------------------------------------------------------------------------------

def test_users_by_place(people):
    expected = located([user["place"] for user in people.users])
    assert people.ask("location").json == expected
    assert people.ask("location", product_key=None, product_secret=people.world.product_secret).json == expected
    assert len(expected["China"]) == 3 and expected["Jiangsu"]["Jiangsu"]["Jiangsu"]["count"]


def test_a_product_without_users_has_no_places(world):
    answer = request(world.server.http, "GET", f"/v1/users/location?product_key={world.product_key}", headers=world.headers)
    assert answer.json == {}


# --- whatever becomes of them ---------------------------------------------------------------------------------------------

def test_every_report_follows_imports_disables_and_deletions(make_server):
    chance = random.Random(8)
    people = People(make_server, seed=21, moments=MOMENTS[5:])
    people.check_everything()
    for happens in (people.import_past_bindings, people.disable_users, people.delete_devices, people.import_past_bindings,
                    people.delete_users, people.disable_users):
        happens(chance)
        people.check_everything()
    restart_at(people.server, people.moments[-1], kill=True)
    people.world._token = None
    people.check_everything()


# --- callers -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("call,parameters", [("location", {}), ("liveness_total", {"start_date": "2026-12-01",
                                                                                  "end_date": "2026-12-02"})])
def test_an_enterprise_asks_about_its_own_products(people, call, parameters):
    assert people.ask(call, product_key=None, **parameters).error == (400, 5002)
    assert people.ask(call, **{**parameters, "product_key": hex_id()}).error == (404, 5015)
    assert people.ask(call, **{**parameters, "product_key": people.foreign.product_key}).error == (400, 5801)
    assert people.ask(call, headers={"X-Other": "1"}, **parameters).error == (400, 5009)
    assert people.ask(call, headers=people.world.headers, **parameters).status == 200
