"""Searching users: those of an enterprise's apps, and those that devices are bound to, as the document's 用户管理 says."""

import random

import pytest

from world import UNKNOWN_ID, World, hex_id, query, request

class People:
    """An app of the world's product, and users of it."""

    def __init__(self, world):
        self.world, self.appid = world, hex_id()
        world.server.apply({"apps": [{"appid": self.appid, "name": "App", "product_keys": [world.product_key]}]})

    def add(self, **fields):
        uid = fields.pop("uid", None) or hex_id()
        self.world.server.apply({"users": [{"uid": uid, "appid": self.appid, **fields}]})
        return uid

    def change(self, method, uid, *dids):
        answer = self.world.call(method, "devices/bindings", {"uid": uid, "appid": self.appid, "dids": dids})
        assert answer.json["success"] == list(dids), answer.body

    def bind(self, uid, *dids):
        self.change("POST", uid, *dids)

    @property
    def headers(self):
        return {"X-Gizwits-Enterprise-ID": self.world.enterprise_id,
                "X-Gizwits-Enterprise-Secret": self.world.enterprise_secret}

    def search(self, headers=None, **parameters):
        """Registered users."""
        parameters = {"product_key": self.world.product_key, **parameters}
        return request(self.world.server.http, "GET", f"/v1/users/search?{query(**parameters)}",
                       headers=self.headers if headers is None else headers)

    def registered(self, **parameters):
        return uids_of(self.search(**parameters))

    def bound(self, **parameters):
        return uids_of(self.world.get("users/search", **parameters))


def uids_of(answer):
    assert answer.status == 200, answer.body
    return [row["uid"] for row in answer.json["objects"]]


@pytest.fixture
def people(world):
    return People(world)


# --- registered users ---------------------------------------------------------------------------------------------

def test_a_registered_users_fields_are_those_that_were_imported(people):
    fields = {"username": "安娜", "remark": "r", "is_anonymous": False, "gender": "F", "created_at": 1513135417,
              "phone": "138", "birthday": "2000-01-01", "address": "somewhere", "email": "a@example.com"}
    people.add(**fields)
    row, = people.search().json["objects"]
    assert {key: row[key] for key in fields} == fields


def test_the_last_added_user_comes_first(people):
    uids = [people.add() for _ in range(4)]
    assert people.registered() == uids[::-1]


@pytest.mark.parametrize("name", ["username", "phone", "email"])
def test_registered_users_are_found_by_what_is_exactly_theirs(people, name):
    uids = [people.add(**{name: value}) for value in ("x1", "x2", "x1", "x", "X1")]
    people.add()
    assert people.registered(**{name: "x1"}) == [uids[2], uids[0]]
    assert people.registered(**{name: "nobody"}) == []


def test_filters_of_registered_users_hold_together(people):
    both = people.add(username="n", phone="1", email="e")
    people.add(username="n", phone="2")
    people.add(username="m", phone="1")
    assert people.registered(username="n", phone="1") == [both]
    assert people.registered(username="n", email="e") == [both]
    assert people.registered(phone="2", email="e") == []


def test_values_may_be_escaped_and_empty_ones_do_not_count(people):
    uid = people.add(username="安娜 & Co")
    other = people.add()
    assert people.registered(username="安娜 & Co") == [uid]
    assert people.registered(username="", phone="", email="", appid="") == [other, uid]


def test_registered_users_are_those_of_the_products_apps(people):
    world, second = people.world, hex_id()
    world.server.apply({"products": [{"product_key": second, "product_secret": hex_id(), "name": "Second"}],
                        "enterprises": [{"enterprise_id": world.enterprise_id, "product_keys": [world.product_key, second]}]})
    apps = {"first": people.appid, "second": hex_id(), "both": hex_id()}
    world.server.apply({"apps": [{"appid": apps["second"], "name": "", "product_keys": [second]},
                                 {"appid": apps["both"], "name": "", "product_keys": [world.product_key, second]}]})
    uids = {}
    for name, appid in apps.items():
        uids[name] = hex_id()
        world.server.apply({"users": [{"uid": uids[name], "appid": appid}]})
    assert people.registered() == [uids["both"], uids["first"]]
    assert people.registered(product_key=second) == [uids["both"], uids["second"]]
    assert people.registered(appid=apps["both"]) == [uids["both"]]
    assert people.registered(appid=apps["second"]) == []


@pytest.mark.parametrize("name", ["product_key", "product_secret"])
@pytest.mark.parametrize("value", ["product_key", "product_secret"])
def test_a_product_is_named_by_key_or_secret_in_either_parameter(people, name, value):
    uid = people.add()
    assert people.registered(**{"product_key": None, name: getattr(people.world, value)}) == [uid]


def test_a_product_without_users_has_none(people):
    answer = people.search()
    assert answer.json == {"meta": {"previous": None, "skip": 0, "total": 0, "limit": 20, "next": None}, "objects": []}


def test_registered_users_come_in_pages(people):
    uids = [people.add() for _ in range(7)][::-1]
    answer = people.search(limit=3)
    found, meta = uids_of(answer), answer.json["meta"]
    assert meta["total"] == 7 and meta["previous"] is None
    while meta["next"]:
        assert meta["next"].startswith("/v1/users/search?") and "product_key=" in meta["next"]
        answer = request(people.world.server.http, "GET", meta["next"], headers=people.headers)
        found, meta = found + uids_of(answer), answer.json["meta"]
    assert found == uids and meta["previous"]
    assert people.registered(skip=100) == []
    assert people.search(limit=0).json["meta"]["total"] == 7 and people.registered(limit=0) == []


def test_the_secret_is_needed_unless_the_enterprise_says_otherwise(people):
    known = {"X-Gizwits-Enterprise-ID": people.world.enterprise_id}
    assert people.search(headers=known).error == (400, 5004)
    people.world.configure(secret_required=False)
    assert people.search(headers=known).status == 200
    assert people.search(headers={**known, "X-Gizwits-Enterprise-Secret": hex_id()}).error == (400, 5004)


def test_a_token_serves_instead_of_the_headers(people):
    uid = people.add()
    assert uids_of(people.search(headers=people.world.headers)) == [uid]


def test_a_token_opens_its_own_product_only(people):
    """Also if the other one is the same enterprise's, or both have the same secret."""
    world = people.world
    second, twin, foreign = hex_id(), hex_id(), World(world.server)
    secrets = {second: hex_id(), twin: world.product_secret}
    world.server.apply({
        "products": [{"product_key": key, "product_secret": secret, "name": "P"} for key, secret in secrets.items()],
        "enterprises": [{"enterprise_id": world.enterprise_id, "product_keys": [world.product_key, second, twin]}]})
    world.server.apply({"apps": [{"appid": people.appid, "name": "App", "product_keys": [world.product_key, second, twin]}]})
    uid = people.add()
    for call, more in (("search", {}), ("location", {}), ("liveness_total", {"start_date": "2026-01-01", "end_date": "2026-01-02"})):
        def ask(headers=world.headers, **product):
            return request(world.server.http, "GET", f"/v1/users/{call}?{query(**product, **more)}", headers=headers)
        for other in ({"product_key": second}, {"product_key": twin}, {"product_secret": secrets[second]},
                      {"product_key": secrets[second]}, {"product_secret": second},
                      {"product_key": world.product_key, "product_secret": secrets[second]},
                      {"product_key": foreign.product_key}, {"product_key": foreign.product_secret}):
            assert ask(**other).error == (400, 5010), (call, other)
        assert ask(product_key=hex_id()).error == (404, 5015)
        assert ask().error == (400, 5002)
        for own in ({"product_key": world.product_key}, {"product_secret": world.product_secret},
                    {"product_key": world.product_key, "product_secret": world.product_secret}):
            assert ask(**own).status == 200
        assert ask(people.headers, product_key=second).status == 200
    assert uids_of(people.search(headers=world.headers)) == [uid]


def test_an_unknown_caller_is_refused(people):
    assert people.search(headers={}).error == (400, 5009)
    assert people.search(headers={"Authorization": f"token {hex_id()}"}).error == (400, 5009)
    assert people.search(headers={**people.headers, "X-Gizwits-Enterprise-ID": hex_id()}).error == (404, 5003)


def test_the_callers_address_and_quota_count(people):
    people.world.configure(ip_allow=["192.0.2.0/24"])
    assert people.search().error == (400, 5012)
    people.world.configure(ip_allow=[], hourly_quota=0)
    answer = people.search()
    assert answer.error == (403, 5013) and answer.headers["X-RateLimit-Limit"] == "0"


@pytest.mark.parametrize("parameters", [{"product_key": None}, {"product_key": ""}, {"limit": -1}, {"limit": 1001},
                                        {"limit": "x"}, {"skip": -1}, {"username": b"\xff"}])
def test_wrong_parameters_of_registered_users_are_5002(people, parameters):
    answer = people.search(**parameters)
    assert answer.error == (400, 5002) and answer.json["detail_message"].startswith(next(iter(parameters)))


@pytest.mark.parametrize("key", [UNKNOWN_ID, "x", "0" * 40])
def test_an_unknown_product_is_5015(people, key):
    assert people.search(product_key=key).error == (404, 5015)
    assert people.search(product_key=None, product_secret=key).error == (404, 5015)


def test_a_product_of_another_enterprise_is_5801(people):
    other = World(people.world.server)
    assert people.search(product_key=other.product_key).error == (400, 5801)
    assert people.search(product_key=other.product_secret).error == (400, 5801)


@pytest.mark.parametrize("appid", [UNKNOWN_ID, "x", "0" * 40])
def test_an_unknown_app_is_5016(people, appid):
    assert people.search(appid=appid).error == (404, 5016)


def test_an_app_of_another_enterprise_is_5016(people):
    assert people.search(appid=People(World(people.world.server)).appid).error == (404, 5016)


# --- bound users --------------------------------------------------------------------------------------------------

def test_a_bound_users_fields_are_those_that_were_imported(people):
    fields = {"username": "u", "name": "Anna", "gender": "F", "auth_src": {"src": "wechat", "n": [1, None]}}
    people.bind(people.add(**fields), people.world.register()[0])
    row, = people.world.get("users/search").json["objects"]
    assert {key: row[key] for key in fields} == fields


def test_bound_users_are_those_that_are_bound_now(people):
    did, uids = people.world.register()[0], [people.add() for _ in range(3)]
    for uid in uids[:2]:
        people.bind(uid, did)
    assert people.bound() == [uids[1], uids[0]]
    people.change("DELETE", uids[0], did)
    assert people.bound() == [uids[1]] and people.bound(type="uid", val=uids[0]) == []


def test_a_user_of_several_devices_is_answered_once(people):
    uid = people.add(username="n")
    dids = [people.world.register()[0] for _ in range(3)]
    people.bind(uid, *dids)
    assert people.bound() == [uid] and people.bound(type="username", val="n") == [uid]
    people.change("DELETE", uid, *dids[:2])
    assert people.bound() == [uid]


def test_bound_users_are_found_by_what_is_theirs(people):
    did = people.world.register()[0]
    fields = {"username": "n", "phone": "138", "email": "a@example.com"}
    uid, other = people.add(**fields), people.add()
    unbound = people.add(**fields)
    people.bind(uid, did)
    people.bind(other, did)
    for name, value in {**fields, "uid": uid}.items():
        assert people.bound(type=name, val=value) == [uid], name
        assert people.bound(type=name, val="nobody") == []
    assert people.bound(type="uid", val=unbound) == []


def test_bound_users_are_found_by_device(people):
    people.world.import_devices({"mac": "m1", "did": "Y" * 22, "device_sn": "s1"}, {"mac": "m2", "did": "X" * 22})
    one, two = people.add(), people.add()
    people.bind(one, "Y" * 22)
    people.bind(two, "X" * 22)
    for name, value in (("did", "Y" * 22), ("mac", "m1"), ("device_sn", "s1")):
        assert people.bound(type=name, val=value) == [one], name
        assert people.bound(type=name, val="nobody") == []
    assert people.bound(type="mac", val="m2") == [two]


def test_a_mac_means_all_of_its_registrations(people):
    uid = people.add()
    people.bind(uid, people.world.register("m", "one")[0])
    people.world.register("m", "two")
    assert people.bound(type="mac", val="m") == [uid]


def test_only_a_search_by_did_says_who_the_owner_is(people):
    did, uids = people.world.register("m")[0], [people.add() for _ in range(3)]
    for uid in (uids[1], uids[0], uids[2]):
        people.bind(uid, did)

    def owners():
        return {row["uid"]: row["is_owner"] for row in people.world.get("users/search", type="did", val=did).json["objects"]}

    assert owners() == {uids[0]: False, uids[1]: True, uids[2]: False}
    people.change("DELETE", uids[1], did)
    assert owners() == {uids[0]: True, uids[2]: False}
    for parameters in ({}, {"type": "mac", "val": "m"}, {"type": "uid", "val": uids[0]}):
        assert all("is_owner" not in row for row in people.world.get("users/search", **parameters).json["objects"])


def test_a_group_means_its_subtree(people):
    world = people.world
    root = world.call("POST", "device_groups").json["gid"]
    child = world.call("POST", "device_groups", {"parent_gid": root}).json["gid"]
    uids = {}
    for mac, gid in (("r", root), ("c", child), ("n", None)):
        did, _ = world.register(mac)
        uids[mac] = people.add(username="same")
        people.bind(uids[mac], did)
        if gid:
            world.call("PUT", f"device_groups/{gid}", {"action": "assign", "macs": [mac]})
    assert people.bound(gid=root) == [uids["c"], uids["r"]] and people.bound(gid=child) == [uids["c"]]
    assert people.bound(gid=child, type="username", val="same") == [uids["c"]]
    assert people.bound(gid=child, type="mac", val="r") == [] and people.bound(gid=root, type="mac", val="r") == [uids["r"]]
    assert people.bound(gid=child, type="uid", val=uids["n"]) == []


def test_users_of_other_products_are_not_found(people):
    other = People(World(people.world.server))
    did = other.world.register("m")[0]
    uid = other.add(username="n")
    other.bind(uid, did)
    assert people.bound() == []
    for name, value in (("uid", uid), ("username", "n"), ("did", did), ("mac", "m")):
        assert people.bound(type=name, val=value) == []


def test_bound_users_come_in_pages(people):
    did, uids = people.world.register()[0], [people.add() for _ in range(5)][::-1]
    for uid in uids:
        people.bind(uid, did)
    answer = people.world.get("users/search", limit=2, type="did", val=did)
    found = uids_of(answer)
    while answer.json["meta"]["next"]:
        assert answer.json["meta"]["total"] == 5
        answer = people.world.follow(answer.json["meta"]["next"])
        found += uids_of(answer)
    assert found == uids


@pytest.mark.parametrize("parameters", [{"type": "uid"}, {"val": "x"}, {"type": "name", "val": "x"}, {"type": "uid", "val": ""},
                                        {"limit": 1001}, {"skip": "x"}, {"type": "mac", "val": b"\xff"}])
def test_wrong_parameters_of_bound_users_are_5002(people, parameters):
    assert people.world.get("users/search", **parameters).error == (400, 5002)


def test_an_unknown_group_is_5206_and_anothers_5201(people):
    foreign = World(people.world.server).call("POST", "device_groups").json["gid"]
    assert people.world.get("users/search", gid=hex_id()).error == (404, 5206)
    assert people.world.get("users/search", gid=foreign).error == (403, 5201)


def test_bound_users_need_the_products_token(people):
    path = people.world.path("users/search")
    for headers, code in (({}, 5009), (World(people.world.server).headers, 5010), (people.headers, 5009)):
        assert request(people.world.server.http, "GET", path, headers=headers).error == (400, code)


# --- many, and later ----------------------------------------------------------------------------------------------

def test_users_and_their_devices_outlive_a_restart(make_server):
    people = People(World(make_server()))
    did, uid = people.world.register()[0], people.add(username="n")
    people.bind(uid, did)
    before = people.world.get("users/search", type="did", val=did).json
    people.world.server.restart()
    assert people.world.get("users/search", type="did", val=did).json == before
    assert people.registered(username="n") == [uid]


def test_a_hundred_thousand_users_are_searched(make_server):
    """Not a measurement: without indexes this takes minutes."""
    people, chance = People(World(make_server())), random.Random(5)
    world = people.world
    world.server.stop()
    with world.server.registry() as db:
        app, = db.execute("SELECT no FROM app WHERE appid = ?", (people.appid,)).fetchone()
        product, = db.execute("SELECT no FROM product WHERE product_key = ?", (world.product_key,)).fetchone()
        db.executemany('INSERT INTO "user" (app, uid, username, phone, email, name, gender, birthday, address, remark, auth_src, '
                       "is_anonymous, created_at, updated_at, country, region, city) "
                       "VALUES (?, ?, ?, ?, '', '', '', '', '', '', '', 0, 1, 1, '', '', '')",
                       ((app, f"{number:032x}", f"name{number}", f"{number % 50000}") for number in range(100000)))
        db.execute('INSERT INTO product_user SELECT ?, no, 1, 1 FROM "user" WHERE app = ?', (product, app))
    world.server.start()
    for number in chance.sample(range(50000), 100):
        assert people.registered(username=f"name{number}") == [f"{number:032x}"]
        assert people.registered(phone=number) == [f"{number + 50000:032x}", f"{number:032x}"]
    for skip in (0, 50000, 99990):
        expected = [f"{number:032x}" for number in range(99999 - skip, max(99999 - skip - 20, -1), -1)]
        for answer in (people.search(skip=skip), world.get("users/search", skip=skip)):
            assert uids_of(answer) == expected and answer.json["meta"]["total"] == 100000
