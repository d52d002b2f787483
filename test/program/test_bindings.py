"""Binding devices to users, and what stays of it, as the document's 绑定管理 says."""

import time

import pytest

from world import UNKNOWN_ID, World, hex_id, request


class Users:
    """Users of an app, some of the world's product."""

    def __init__(self, world, count=3):
        self.world, self.appid = world, hex_id()
        self.uids = [hex_id() for _ in range(count)]
        world.server.apply({"apps": [{"appid": self.appid, "name": "App", "product_keys": [world.product_key]}],
                            "users": [{"uid": uid, "appid": self.appid} for uid in self.uids]})

    def send(self, method, number, dids, **changed):
        return self.world.call(method, "devices/bindings",
                               {"uid": self.uids[number], "appid": self.appid, "dids": dids, **changed})

    def bind(self, number, dids, **changed):
        return self.split(self.send("POST", number, dids, **changed), 201)

    def unbind(self, number, dids, **changed):
        return self.split(self.send("DELETE", number, dids, **changed), 200)

    def split(self, answer, status):
        """(success, failed)"""
        assert answer.status == status, answer.body
        assert set(answer.json) == {"success", "failed"}
        return answer.json["success"], answer.json["failed"]

    def devices(self, number):
        answer = self.world.get("devices/search", type="uid", val=self.uids[number], limit=1000)
        assert answer.status == 200, answer.body
        return {row["did"] for row in answer.json["objects"]}

    def rows(self):
        """All bindings ever: (user's number, did, is_owner, since, until)."""
        self.world.server.stop()
        with self.world.server.registry() as db:
            rows = db.execute("SELECT u.uid, d.did, b.is_owner, b.since, b.until FROM binding b JOIN \"user\" u ON u.no = b.user "
                              "JOIN device d ON d.no = b.device ORDER BY b.no").fetchall()
        self.world.server.start()
        return [(self.uids.index(uid), *rest) for uid, *rest in rows]

    def owners(self, did):
        return [user for user, of, is_owner, _, until in self.rows() if of == did and is_owner and until is None]


@pytest.fixture
def users(world):
    return Users(world)


@pytest.fixture
def own_users(make_server):
    """On a server of their own, which the test may stop."""
    return Users(World(make_server()))


def test_the_example_of_binding(users):
    did, _ = users.world.register()
    answer = users.send("POST", 0, [did])
    assert answer.status == 201 and answer.json == {"failed": [], "success": [did]}
    assert users.devices(0) == {did}


def test_the_example_of_unbinding(users):
    did, _ = users.world.register()
    users.bind(0, [did])
    answer = users.send("DELETE", 0, [did])
    assert answer.status == 200 and answer.json == {"failed": [], "success": [did]}
    assert users.devices(0) == set()


@pytest.mark.parametrize("join", [",".join, lambda dids: ", ".join(dids) + " ,,"])
def test_dids_may_be_one_text(users, join):
    dids = [users.world.register()[0] for _ in range(3)]
    assert users.bind(0, join(dids)) == (dids, [])
    assert users.devices(0) == set(dids)
    assert users.unbind(0, join(dids)) == (dids, [])


def test_unknown_and_foreign_devices_fail_and_the_others_are_bound(users):
    foreign = World(users.world.server).register()[0]
    did, _ = users.world.register()
    dids = ["x", foreign, did, "y" * 22, ""]
    assert users.bind(0, dids) == ([did], ["x", foreign, "y" * 22, ""])
    assert users.devices(0) == {did}


def test_binding_twice_is_a_success_and_changes_nothing(own_users):
    did, _ = own_users.world.register()
    for _ in range(2):
        assert own_users.bind(0, [did]) == ([did], [])
    assert len(own_users.rows()) == 1


def test_a_did_said_twice_is_answered_once(users):
    did, _ = users.world.register()
    assert users.bind(0, [did, "x", did, "x"]) == ([did], ["x"])
    assert users.unbind(0, [did, did]) == ([did], [])


def test_unbinding_what_is_not_bound_fails(users):
    bound, unbound = users.world.register()[0], users.world.register()[0]
    users.bind(0, [bound])
    users.bind(1, [unbound])
    assert users.unbind(0, [bound, unbound, "x"]) == ([bound], [unbound, "x"])
    assert users.unbind(0, [bound]) == ([], [bound])
    assert users.devices(1) == {unbound}


def test_no_devices_are_no_change(users):
    assert users.bind(0, []) == ([], []) and users.unbind(0, "") == ([], [])


def test_more_devices_than_one_transaction_takes_are_bound(users):
    users.world.import_devices(*[{"mac": f"m{number}", "did": f"{number:022}".replace("0", "A").replace("1", "B"),
                                  "passcode": "p"} for number in range(2100)])
    first, rest = (users.world.get("devices/search", limit=1000, skip=skip).json["objects"] for skip in (0, 1000))
    more = users.world.get("devices/search", limit=1000, skip=2000).json["objects"]
    dids = [row["did"] for row in first + rest + more]
    assert len(dids) == 2100
    assert users.bind(0, ["x", *dids, "y"]) == (dids, ["x", "y"])
    answer = users.world.get("devices/search", type="uid", val=users.uids[0])
    assert answer.json["meta"]["total"] == 2100


def test_a_disabled_device_is_bound(users):
    users.world.import_devices({"mac": "off", "did": "Z" * 22, "is_disabled": True})
    assert users.bind(0, ["Z" * 22]) == (["Z" * 22], [])


# --- owners and times ---------------------------------------------------------------------------------------------

def test_the_first_user_is_the_owner(own_users):
    did, _ = own_users.world.register()
    for user in (1, 0, 2):
        own_users.bind(user, [did])
    assert own_users.owners(did) == [1]


def test_the_longest_bound_user_becomes_the_owner_when_the_owner_leaves(own_users):
    did, _ = own_users.world.register()
    for user in (1, 0, 2):
        own_users.bind(user, [did])
    own_users.unbind(1, [did])
    assert own_users.owners(did) == [0]


def test_the_owner_stays_when_another_one_leaves(own_users):
    did, _ = own_users.world.register()
    for user in (1, 0, 2):
        own_users.bind(user, [did])
    own_users.unbind(0, [did])
    assert own_users.owners(did) == [1]


def test_who_comes_back_is_no_owner_if_there_is_one(own_users):
    did, _ = own_users.world.register()
    own_users.bind(0, [did])
    own_users.bind(1, [did])
    own_users.unbind(0, [did])
    own_users.bind(0, [did])
    assert own_users.owners(did) == [1]


def test_the_first_after_all_have_left_is_the_owner(own_users):
    did, _ = own_users.world.register()
    own_users.bind(0, [did])
    own_users.unbind(0, [did])
    own_users.bind(1, [did])
    assert own_users.owners(did) == [1]


def test_bindings_are_kept_as_intervals(own_users):
    did, _ = own_users.world.register()
    began = int(time.time())
    for _ in range(2):
        own_users.bind(0, [did])
        own_users.unbind(0, [did])
    own_users.bind(0, [did])
    rows = own_users.rows()
    assert [until is None for *_, until in rows] == [False, False, True]
    for _, _, _, since, until in rows[:2]:
        assert began <= since <= until <= time.time()


def test_the_first_time_at_a_product_is_kept(own_users):
    world = own_users.world
    one, two = world.register()[0], world.register()[0]
    own_users.bind(0, [one])
    own_users.unbind(0, [one])
    world.server.stop()
    with world.server.registry() as db:
        db.execute("UPDATE product_user SET first_bound = 1505789918")
    world.server.start()
    own_users.bind(0, [one, two])
    own_users.unbind(0, [two])
    world.server.stop()
    with world.server.registry() as db:
        assert db.execute("SELECT first_bound, devices FROM product_user").fetchall() == [(1505789918, 1)]


def test_bindings_outlive_a_crash(make_server):
    users = Users(World(make_server()))
    dids = [users.world.register()[0] for _ in range(3)]
    users.bind(0, dids)
    users.unbind(0, dids[:1])
    users.world.server.kill()
    users.world.server.start()
    assert users.devices(0) == set(dids[1:])


# --- refusals -----------------------------------------------------------------------------------------------------

@pytest.fixture(params=["POST", "DELETE"])
def method(request):
    return request.param


@pytest.mark.parametrize("appid", [UNKNOWN_ID, "x", "0" * 40, ""])
def test_an_unknown_app_is_5016(users, method, appid):
    assert users.send(method, 0, ["x"], appid=appid).error == (404, 5016)


def test_an_app_of_another_enterprise_is_5016(users, method):
    foreign = Users(World(users.world.server))
    assert users.send(method, 0, ["x"], appid=foreign.appid, uid=foreign.uids[0]).error == (404, 5016)


@pytest.mark.parametrize("uid", [UNKNOWN_ID, "x", "0" * 40, ""])
def test_an_unknown_user_is_5017(users, method, uid):
    assert users.send(method, 0, ["x"], uid=uid).error == (404, 5017)


def test_a_user_of_another_app_is_5017(users, method):
    other = Users(users.world)
    assert users.send(method, 0, ["x"], uid=other.uids[0]).error == (404, 5017)


def test_the_app_is_looked_for_before_the_user(users, method):
    assert users.send(method, 0, ["x"], appid="x", uid="x").error == (404, 5016)


@pytest.mark.parametrize("changed", [{"uid": None}, {"appid": None}, {"dids": None}, {"uid": 1}, {"appid": ["x"]}, {"dids": 1},
                                     {"dids": {"x": 1}}, {"dids": [1]}, {"dids": ["x", None]}])
def test_an_absent_or_mistyped_field_is_5002(users, method, changed):
    did, _ = users.world.register()
    answer = users.send(method, 0, **{"dids": [did], **changed})
    assert answer.error == (400, 5002) and answer.json["detail_message"].startswith(next(iter(changed)))
    assert users.devices(0) == set()


@pytest.mark.parametrize("body", ["", "{", "[]"])
def test_a_body_that_is_no_object_is_5001(users, method, body):
    assert users.world.call(method, "devices/bindings", body).error == (400, 5001)


def test_the_calls_need_the_products_token(users, method):
    other = World(users.world.server)
    for headers, code in (({}, 5009), (other.headers, 5010)):
        answer = request(users.world.server.http, method, users.world.path("devices/bindings"), "{}", headers)
        assert answer.error == (400, code)
