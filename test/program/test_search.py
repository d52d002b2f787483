"""GET devices/search: every filter, alone and together, against a plain model of the same devices."""

import random
import time
import urllib.parse

import pytest

from mqtt import Device
from server import wait_until
from world import World, hex_id, request, status_report

DID_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
PLACES = [("China", "Guangdong", "Guangzhou"), ("China", "Guangdong", "Shenzhen"), ("China", "Beijing", "Beijing"),
          ("中国", "广东", "广州"), ("China", "Fujian", "Suzhou"), ("China", "Jiangsu", "Suzhou"), ("Germany", "", "Berlin"),
          ("France", "Île-de-France", "Paris & more"), (None, None, None)]
FIELDS = {"city", "mcu_hard_version", "mcu_soft_version", "did", "country", "region", "mac", "longitude", "wifi_hard_version",
          "online_latest", "wifi_soft_version", "is_online", "latitude", "is_alert", "created_at", "is_faulty"}


class Fleet:
    """150 devices, what has happened to them, and the search that a reader of the document would
    write over them."""

    def __init__(self, server):
        chance = random.Random(150)
        self.world = World(server)
        self.devices = [self.invent(chance, number) for number in range(150)]
        self.world.import_devices(*[{key: device[key] for key in (
            "mac", "did", "passcode", "created_at", "is_disabled", "country", "region", "city", "longitude", "latitude")
            if device[key] is not None} for device in self.devices])
        self.add_groups_and_bindings(chance)
        self.live(chance)

    def invent(self, chance, number):
        country, region, city = chance.choice(PLACES)
        return {"mac": f"mac{number:03}", "did": "".join(chance.choices(DID_LETTERS, k=22)), "passcode": f"pass{number}",
                "created_at": 1505789918 + chance.randrange(30) * 1000, "is_disabled": chance.random() < 0.15,
                "country": country, "region": region or None, "city": city,
                **self.invent_coordinates(chance, country is not None), "is_online": False, "is_faulty": False,
                "is_alert": False, "reported": 0, "logged_in": False, "groups": set(), "users": set()}

    def invent_coordinates(self, chance, placed):
        if not placed or chance.random() < 0.2:
            return {"longitude": None, "latitude": None}
        return {"longitude": round(chance.uniform(-180, 180), 6), "latitude": round(chance.uniform(-90, 90), 6)}

    def add_groups_and_bindings(self, chance):
        parents = {"root": None, "north": "root", "south": "root", "harbour": "south", "empty": "root"}
        self.groups, other = {}, World(self.world.server)
        for name, parent in parents.items():
            self.groups[name] = self.create_group(self.world, self.groups.get(parent))
        self.groups["foreign"] = self.create_group(other, None)
        self.users = {name: hex_id() for name in ("anna", "bert", "nobody")}
        appid = hex_id()
        self.world.server.apply({
            "apps": [{"appid": appid, "name": "App", "product_keys": [self.world.product_key]}],
            "users": [{"uid": uid, "appid": appid} for uid in self.users.values()]})
        for device in self.devices:
            name = chance.choice([None, None, "root", "north", "south", "harbour"])
            if name:
                self.must("PUT", f"device_groups/{self.groups[name]}", {"action": "assign", "macs": [device["mac"]]})
            while name:
                device["groups"].add(self.groups[name])
                name = parents[name]
        for user in ("anna", "bert"):
            bound = [device for device in self.devices if chance.random() < 0.2]
            over = [device for device in bound if chance.random() < 0.4]
            for method, devices in (("POST", bound), ("DELETE", over)):
                self.must(method, "devices/bindings", {"uid": self.users[user], "appid": appid,
                                                       "dids": [device["did"] for device in devices]})
            for device in bound:
                if device not in over:
                    device["users"].add(self.users[user])

    def create_group(self, world, parent):
        answer = world.call("POST", "device_groups", {"parent_gid": parent})
        assert answer.status == 201, answer.body
        return answer.json["gid"]

    def must(self, method, path, body):
        answer = self.world.call(method, path, body)
        assert answer.status in (200, 201) and answer.json["failed"] == [], answer.body

    def live(self, chance):
        enabled = [device for device in self.devices if not device["is_disabled"]]
        self.connections = {}
        self.began = int(time.time())
        self.wave(chance.sample(enabled, 60), chance)
        done = int(time.time())
        while int(time.time()) == done:
            time.sleep(0.05)
        self.second_wave = int(time.time())
        self.wave(chance.sample(enabled, 40), chance)
        for device in chance.sample([d for d in enabled if d["is_online"]], 25):
            self.connections.pop(device["did"]).disconnect()
            device["is_online"] = False
        wait_until(lambda: self.world.get("devices/search", is_online=1).json["meta"]["total"] == len(self.connections))

    def wave(self, devices, chance):
        for device in devices:
            connection = self.connections.get(device["did"])
            if not connection:
                connection = self.connections[device["did"]] = Device(
                    self.world.server.mqtt, device["did"], device["passcode"], self.world.product_key, 4).login()
            device["is_online"] = device["logged_in"] = True
            if chance.random() < 0.85:
                alerts, faults = chance.choice([0, 0, 1, 2, 3]), chance.choice([0, 0, 1])
                connection.report(status_report(alerts=alerts, faults=faults), qos=1)
                device.update(is_alert=alerts > 0, is_faulty=faults > 0, reported=int(time.time()))

    # --- the model ---
    def expected(self, gid=None, country=None, region=None, city=None, is_online=None, is_faulty=None, is_alert=None,
                 show_disabled=0, liveness_start=None, type=None, val=None, **_):
        found = []
        for device in self.devices:
            flags = (("is_online", is_online), ("is_faulty", is_faulty), ("is_alert", is_alert))
            if ((device["is_disabled"] and show_disabled in (0, "false"))
                    or (gid is not None and gid not in device["groups"])
                    or any(wanted is not None and device[name] != (wanted in (1, "true")) for name, wanted in flags)
                    or any(wanted is not None and device[name] != wanted
                           for name, wanted in (("country", country), ("region", region), ("city", city)))
                    or (liveness_start is not None and device["reported"] < liveness_start)
                    or (type == "uid" and val not in device["users"])
                    or (type in ("did", "mac") and device[type] != val)):
                continue
            found.append(device)
        return sorted(sorted(found, key=lambda d: d["did"]), key=lambda d: -d["created_at"])

    def search(self, **filters):
        answer = self.world.get("devices/search", **{"limit": 1000, **filters})
        assert answer.status == 200, answer.body
        return answer.json


@pytest.fixture(scope="module")
def fleet(make_shared_server):
    return Fleet(make_shared_server())


def assert_found(fleet, filters):
    found, expected = fleet.search(**filters), fleet.expected(**filters)
    assert [row["did"] for row in found["objects"]] == [device["did"] for device in expected]
    assert found["meta"]["total"] == len(expected)
    return expected


def possible(fleet):
    """Values of each filter, some of which find nothing."""
    return {
        "gid": [gid for name, gid in fleet.groups.items() if name != "foreign"],
        "country": ["China", "中国", "Germany", "china", "Atlantis"],
        "region": ["Guangdong", "广东", "Île-de-France", "Fujian"],
        "city": ["Guangzhou", "广州", "Suzhou", "Berlin", "Paris & more"],
        "is_online": [0, 1, "true", "false"],
        "is_faulty": [0, 1, "true", "false"],
        "is_alert": [0, 1, "true", "false"],
        "show_disabled": [0, 1, "true", "false"],
        "liveness_start": [0, fleet.began, fleet.second_wave, fleet.second_wave + 3600],
    }


NAMES = ["gid", "country", "region", "city", "is_online", "is_faulty", "is_alert", "show_disabled", "liveness_start"]


@pytest.mark.parametrize("name", NAMES)
def test_a_filter_alone(fleet, name):
    sizes = {len(assert_found(fleet, {name: value})) for value in possible(fleet)[name]}
    assert len(sizes) > 1, "this fleet proves nothing about it"


@pytest.mark.parametrize("kind", ["did", "mac"])
def test_a_device_by_its_identifier(fleet, kind):
    for device in fleet.devices[::10]:
        assert len(assert_found(fleet, {"type": kind, "val": device[kind], "show_disabled": 1})) == 1
        assert_found(fleet, {"type": kind, "val": device[kind]})
    assert_found(fleet, {"type": kind, "val": "unknown"})


@pytest.mark.parametrize("user,some", [("anna", True), ("bert", True), ("nobody", False)])
def test_the_devices_that_are_bound_to_a_user_now(fleet, user, some):
    assert bool(assert_found(fleet, {"type": "uid", "val": fleet.users[user]})) is some


def test_all_filters_in_any_combination(fleet):
    chance = random.Random(7)
    found = 0
    for _ in range(400):
        filters = {name: chance.choice(values) for name, values in possible(fleet).items() if chance.random() < 0.25}
        if chance.random() < 0.3:
            device = chance.choice(fleet.devices)
            filters["type"] = chance.choice(["did", "mac", "uid"])
            filters["val"] = fleet.users["anna"] if filters["type"] == "uid" else device[filters["type"]]
        found += bool(assert_found(fleet, filters))
    assert found > 100


def test_a_row_tells_what_is_known(fleet):
    by_did = {device["did"]: device for device in fleet.devices}
    rows = fleet.search(show_disabled=1)["objects"]
    assert len(rows) == len(by_did)
    for row in rows:
        device = by_did[row["did"]]
        assert set(row) == FIELDS
        for name in ("mac", "created_at", "country", "region", "city", "is_online", "is_faulty", "is_alert", "longitude",
                     "latitude"):
            assert row[name] == device[name] and type(row[name]) is type(device[name]), name
        assert [row[name] for name in FIELDS if name.endswith("version")] == [None] * 4
        if device["logged_in"]:
            assert fleet.began <= row["online_latest"] <= time.time()
        else:
            assert row["online_latest"] is None


# --- groups ---------------------------------------------------------------------------------------------

def test_a_group_means_its_subtree(fleet):
    south, harbour = (set(d["did"] for d in fleet.search(gid=fleet.groups[name])["objects"]) for name in ("south", "harbour"))
    assert harbour and harbour < south


def test_an_unknown_group_is_5206(fleet):
    assert fleet.world.get("devices/search", gid=hex_id()).error == (404, 5206)


def test_another_products_group_is_5201(fleet):
    assert fleet.world.get("devices/search", gid=fleet.groups["foreign"]).error == (403, 5201)


def test_an_unknown_user_is_5017(fleet):
    assert fleet.world.get("devices/search", type="uid", val=hex_id()).error == (404, 5017)


def test_another_enterprises_user_is_unknown_and_ones_own_has_no_devices_yet(fleet):
    server, uids = fleet.world.server, []
    for world in (fleet.world, World(server)):
        appid, uid = hex_id(), hex_id()
        server.apply({"apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}]})
        server.apply({"users": [{"uid": uid, "appid": appid}]})
        uids.append(uid)
    assert fleet.world.get("devices/search", type="uid", val=uids[0]).json["meta"]["total"] == 0
    assert fleet.world.get("devices/search", type="uid", val=uids[1]).error == (404, 5017)


def test_another_products_device_is_not_found(fleet):
    other = World(fleet.world.server)
    did, _ = other.register(mac="elsewhere")
    for kind, val in (("did", did), ("mac", "elsewhere")):
        assert fleet.search(type=kind, val=val)["meta"]["total"] == 0


# --- pages ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("limit", [1, 7, 50, 149, 150, 151, 1000])
def test_following_next_shows_every_device_once_and_in_order(fleet, limit):
    page = fleet.search(limit=limit, show_disabled=1)
    assert page["meta"]["previous"] is None
    dids = []
    while True:
        assert page["meta"]["total"] == 150 and page["meta"]["limit"] == limit and page["meta"]["skip"] == len(dids)
        assert len(page["objects"]) <= limit
        dids += [row["did"] for row in page["objects"]]
        if page["meta"]["next"] is None:
            break
        page = fleet.world.follow(page["meta"]["next"]).json
    assert dids == [device["did"] for device in fleet.expected(show_disabled=1)]


@pytest.mark.parametrize("limit,skip", [(7, 21), (7, 20), (50, 3), (50, 100)])
def test_following_previous_leads_back_to_the_beginning(fleet, limit, skip):
    page = fleet.search(limit=limit, skip=skip)
    for _ in range(100):
        if page["meta"]["previous"] is None:
            break
        page = fleet.world.follow(page["meta"]["previous"]).json
    assert page["meta"]["skip"] == 0
    assert [row["did"] for row in page["objects"]] == [device["did"] for device in fleet.expected()][:limit]


def test_the_links_are_a_path_and_keep_the_other_parameters(fleet):
    filters = {"country": "China", "city": "Suzhou", "is_online": "false", "show_disabled": 1, "colour": "red & blue"}
    meta = fleet.search(limit=2, skip=2, **filters)["meta"]
    for link, skip in ((meta["previous"], "0"), (meta["next"], "4")):
        parts = urllib.parse.urlsplit(link)
        assert (parts.scheme, parts.netloc, parts.path) == ("", "", fleet.world.path("devices/search"))
        assert dict(urllib.parse.parse_qsl(parts.query)) == {**{k: str(v) for k, v in filters.items()}, "limit": "2",
                                                             "skip": skip}


def test_a_link_works_when_the_values_needed_escaping(fleet):
    for city in ("广州", "Paris & more"):
        page = fleet.search(city=city, limit=1)
        if page["meta"]["next"]:
            following = fleet.world.follow(page["meta"]["next"]).json
            assert following["objects"][0]["did"] == fleet.expected(city=city)[1]["did"]
            assert following["meta"]["total"] == page["meta"]["total"]


def test_a_link_after_a_doubled_slash_names_no_host(fleet):
    answer = request(fleet.world.server.http, "GET", "/" + fleet.world.path("devices/search", limit=1), headers=fleet.world.headers)
    assert fleet.world.follow(answer.json["meta"]["next"]).json["meta"]["skip"] == 1


def test_the_default_page_has_20_rows(fleet):
    answer = fleet.world.get("devices/search").json
    assert (answer["meta"]["limit"], answer["meta"]["skip"], len(answer["objects"])) == (20, 0, 20)


def test_a_page_behind_the_end_is_empty(fleet):
    page = fleet.search(skip=100000)
    assert page["objects"] == [] and page["meta"]["next"] is None
    assert page["meta"]["total"] == len(fleet.expected())


def test_a_page_of_none_counts_only(fleet):
    page = fleet.search(limit=0)
    assert page["objects"] == [] and page["meta"]["total"] == len(fleet.expected())


# --- what is refused ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("filters", [
    {"limit": -1}, {"limit": 1001}, {"limit": "x"}, {"limit": "1.5"}, {"limit": "1e2"}, {"limit": 10**30}, {"limit": "0x10"},
    {"skip": -1}, {"skip": "x"}, {"skip": 10**30},
    {"is_online": 2}, {"is_online": "yes"}, {"is_online": "tru"}, {"is_faulty": -1}, {"is_alert": "10"}, {"show_disabled": "x"},
    {"liveness_start": "yesterday"}, {"liveness_start": -1}, {"liveness_start": "1.5"},
    {"type": "did"}, {"val": "x"}, {"type": "name", "val": "x"}, {"type": "DID", "val": "x"}, {"type": "did", "val": ""},
])
def test_what_is_mistyped_or_out_of_range_is_5002(fleet, filters):
    assert fleet.world.get("devices/search", **filters).error == (400, 5002)


@pytest.mark.parametrize("query", ["city=%zz", "city=%", "city=%e4%b8", "limit=%"])
def test_a_broken_escape_is_refused(fleet, query):
    answer = request(fleet.world.server.http, "GET", f"{fleet.world.path('devices/search')}?{query}",
                     headers=fleet.world.headers)
    assert answer.error in ((400, 5002), (400, 400))


# --- changes ----------------------------------------------------------------------------------------------------

def test_a_registration_is_found_at_once(world):
    for number in range(10):
        did, _ = world.register(mac=f"m{number}")
        assert world.get("devices/search", type="did", val=did).json["meta"]["total"] == 1


def test_a_changed_place_is_found_at_once(world):
    world.import_devices({"mac": "m", "country": "China", "region": "Guangdong", "city": "Guangzhou"})
    world.import_devices({"mac": "m", "city": "Shenzhen"})
    assert world.get("devices/search", city="Guangzhou").json["meta"]["total"] == 0
    row, = world.get("devices/search", city="Shenzhen").json["objects"]
    assert (row["country"], row["region"]) == ("China", "Guangdong")


def test_a_fault_is_open_until_a_report_without_it(world):
    device = world.device(level=4)

    def counts():
        return tuple(world.get("devices/search", **{name: 1}).json["meta"]["total"] for name in ("is_faulty", "is_alert"))

    device.report(status_report(faults=1, alerts=2), qos=1)
    assert counts() == (1, 1)
    device.report(status_report(faults=1), qos=1)
    assert counts() == (1, 0)
    device.disconnect()
    assert counts() == (1, 0)
    device = world.device(level=4, registered=(device.did, device.passcode))
    device.report(status_report(), qos=1)
    assert counts() == (0, 0)


def test_faults_and_activity_survive_a_kill(make_server):
    server = make_server()
    world = World(server)
    device = world.device(level=4)
    before = int(time.time())
    device.report(status_report(faults=1, alerts=1), qos=1)
    server.kill()
    server.start()
    for filters in ({"is_faulty": 1}, {"is_alert": 1}, {"liveness_start": before}, {"is_online": 0}):
        assert world.get("devices/search", **filters).json["meta"]["total"] == 1, filters
    assert world.get("devices/search", liveness_start=int(time.time()) + 5).json["meta"]["total"] == 0
