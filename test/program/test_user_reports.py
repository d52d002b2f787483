"""用户报表: new and active users and where they are, against a plain model of who was bound to what and when."""

import datetime
import random

import pytest

from clock import at, environment, restart_at
from mqtt import Device
from reportfleet import days_of, period
from world import REPORT, World, hex_id, query, request

MOMENTS = ["2026-11-29 10:00", "2026-11-30 23:50", "2026-12-01 00:00:02", "2026-12-20 08:00", "2026-12-27 23:50",
           "2026-12-28 00:00:02", "2026-12-31 23:50", "2027-01-01 00:00:02", "2027-01-04 12:00"]
TODAY = datetime.date(2027, 1, 4)
DAY = datetime.timedelta(1)
PLACES = [("China", "Guangdong", "Guangzhou"), ("China", "Guangdong", "Shenzhen"), ("China", "Beijing", "Beijing"),
          ("China", "Beijing", None), ("中国", "广东", "广州"), ("China", None, None), ("Jiangsu", "Jiangsu", "Jiangsu"),
          (None, None, None)]


class People:
    """Sixty devices, forty users of two apps, and some weeks in which they are bound, unbound and used."""

    def __init__(self, make_server):
        chance = random.Random(20)
        self.server = make_server(env=environment(at(MOMENTS[0])))
        self.world = World(self.server)
        self.foreign = World(self.server)
        self.apps = [hex_id(), hex_id(), hex_id()]
        self.users = [{"uid": hex_id(), "app": chance.choice(self.apps[:2]), "place": chance.choice(PLACES)} for _ in range(40)]
        strangers = [{"uid": hex_id(), "app": self.apps[2], "place": PLACES[0]} for _ in range(5)]
        self.server.apply({
            "apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}
                     for appid, world in zip(self.apps, (self.world, self.world, self.foreign), strict=True)],
            "users": [{"uid": user["uid"], "appid": user["app"], **dict(zip(("country", "region", "city"), user["place"]))}
                      for user in self.users + strangers]})
        self.devices = []
        for number in range(60):
            did, passcode = self.world.register(mac=f"mac{number}")
            self.devices.append({"did": did, "mac": f"mac{number}", "passcode": passcode, "active": set(), "disabled": False,
                                 "groups": set()})
        self.bindings = []
        for moment in MOMENTS:
            restart_at(self.server, at(moment))
            self.world._token = None
            self.live(chance, datetime.date.fromisoformat(moment[:10]))
        self.make_groups(chance)
        for device in chance.sample(self.devices, 8):
            device["disabled"] = True
        self.world.import_devices(*[{"did": device["did"], "mac": device["mac"], "is_disabled": True}
                                    for device in self.devices if device["disabled"]])

    def live(self, chance, day):
        for _ in range(14):
            user, device = chance.choice(self.users), chance.choice(self.devices)
            now = next((b for b in self.bindings if b["user"] is user and b["device"] is device and not b["until"]), None)
            if not now:
                self.bindings.append({"user": user, "device": device, "since": day, "until": None})
                self.change("POST", user, device, 201)
        for binding in chance.sample([b for b in self.bindings if not b["until"]], 6):
            binding["until"] = day
            self.change("DELETE", binding["user"], binding["device"], 200)
        for device in chance.sample(self.devices, 15):
            connection = Device(self.server.mqtt, device["did"], device["passcode"], self.world.product_key, 4).login()
            if chance.random() < 0.8:
                connection.report(REPORT, qos=1)
                device["active"].add(day)
            connection.disconnect()

    def change(self, method, user, device, status):
        answer = self.world.call(method, "devices/bindings",
                                 {"uid": user["uid"], "appid": user["app"], "dids": [device["did"]]})
        assert (answer.status, answer.json["success"]) == (status, [device["did"]])

    def make_groups(self, chance):
        root = self.world.call("POST", "device_groups", {}).json["gid"]
        child = self.world.call("POST", "device_groups", {"parent_gid": root}).json["gid"]
        self.groups = [root, child]
        self.foreign_group = self.foreign.call("POST", "device_groups", {}).json["gid"]
        for gid, groups in ((root, {root}), (child, {root, child})):
            chosen = chance.sample([device for device in self.devices if not device["groups"]], 20)
            self.world.call("PUT", f"device_groups/{gid}", {"action": "assign", "macs": [d["mac"] for d in chosen]})
            for device in chosen:
                device["groups"] |= groups

    # --- the model ---
    def first_days(self, gid=None):
        """The day of each user's first binding."""
        first = {}
        for binding in self.bindings:
            if gid is None or gid in binding["device"]["groups"]:
                uid = binding["user"]["uid"]
                first[uid] = min(first.get(uid, TODAY), binding["since"])
        return first

    def active(self, day, app=None):
        return len({b["user"]["uid"] for b in self.bindings if b["since"] <= day <= (b["until"] or day)
                    and day in b["device"]["active"] and not b["device"]["disabled"] and app in (None, b["user"]["app"])})

    def ask(self, call, headers=None, **parameters):
        """A call with the enterprise's headers."""
        parameters = {"product_key": self.world.product_key, **parameters}
        return request(self.server.http, "GET", f"/v1/users/{call}?{query(**parameters)}", headers=headers or {
            "X-Gizwits-Enterprise-ID": self.world.enterprise_id, "X-Gizwits-Enterprise-Secret": self.world.enterprise_secret})

    def liveness(self, start, end, **parameters):
        answer = self.ask("liveness_total", start_date=start.isoformat(), end_date=end.isoformat(), **parameters)
        assert answer.status == 200, answer.body
        return answer.json

    def get(self, path, **parameters):
        answer = self.world.get(path, **parameters)
        assert answer.status == 200, answer.body
        return answer.json


@pytest.fixture(scope="module")
def people(make_shared_server):
    return People(make_shared_server)


def days_between(start, end):
    return [start + n * DAY for n in range((end - start).days + 1)]


# --- new ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("cycle", ["date", "week", "month"])
def test_new_users_by_period(people, cycle):
    chance = random.Random(4)
    for _ in range(30):
        start = datetime.date(2026, 11, 20) + chance.randrange(40) * DAY
        end = min(start + chance.randrange(60) * DAY, TODAY)
        gid = chance.choice([None, *people.groups])
        first = people.first_days(gid)
        rows = [{cycle: text, "count": sum(day in days for day in first.values())}
                for text, days in {period(cycle, day): days_of(cycle, day) for day in days_between(start, end)}.items()]
        start, end = period(cycle, start), period(cycle, end)
        assert people.get("users/report/new", cycle=cycle, start=start, end=end, gid=gid) == {
            "start": start, "end": end, "cycle": cycle, "gid": gid, "data": rows}


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
        assert people.liveness(start, end, appid=app) == {"data": [
            {"date": day.isoformat(), "count": people.active(day, app)} for day in days_between(start, end)]}
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

def located(users):
    """{name: {count, {name: …}}}, by the first of the place's names."""
    found = {}
    for name in {place[0] for place in users if place and place[0]}:
        inside = [place[1:] for place in users if place and place[0] == name]
        found[name] = {"count": len(inside), **located(inside)}
    return found


def test_users_by_place(people):
    expected = located([user["place"] for user in people.users])
    assert people.ask("location").json == expected
    assert people.ask("location", product_key=None, product_secret=people.world.product_secret).json == expected
    assert len(expected["China"]) == 3 and expected["Jiangsu"]["Jiangsu"]["Jiangsu"]["count"]


def test_a_product_without_users_has_no_places(world):
    answer = request(world.server.http, "GET", f"/v1/users/location?product_key={world.product_key}", headers=world.headers)
    assert answer.json == {}


# --- callers, and after a crash ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("call,parameters", [("location", {}), ("liveness_total", {"start_date": "2026-12-01",
                                                                                  "end_date": "2026-12-02"})])
def test_an_enterprise_asks_about_its_own_products(people, call, parameters):
    assert people.ask(call, product_key=None, **parameters).error == (400, 5002)
    assert people.ask(call, **{**parameters, "product_key": hex_id()}).error == (404, 5015)
    assert people.ask(call, **{**parameters, "product_key": people.foreign.product_key}).error == (400, 5801)
    assert people.ask(call, headers={"X-Other": "1"}, **parameters).error == (400, 5009)
    assert people.ask(call, headers=people.world.headers, **parameters).status == 200


def test_every_report_is_the_same_after_a_crash(people):
    def everything():
        return [people.get("users/report/total"), people.get("users/report/new", start="2026-11-20", end="2027-01-04"),
                people.liveness(datetime.date(2026, 11, 20), TODAY), people.ask("location").json]

    before = everything()
    people.server.kill()
    people.server.env = environment(at("2027-01-04 13:00"))
    people.server.start()
    assert everything() == before
