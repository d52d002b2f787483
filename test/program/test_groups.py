"""Device groups: the tree, what is in it, and the gid filter, as the document's 设备组管理 says."""

import random
import re

import pytest

from world import UNKNOWN_ID, World, hex_id, request


def create(world, parent=None):
    answer = world.call("POST", "device_groups", {"parent_gid": parent} if parent else {})
    assert answer.status == 201, answer.body
    return answer.json["gid"]


def tree(world):
    answer = world.get("device_groups")
    assert answer.status == 200, answer.body
    return answer.json


def macs_of(world, gid):
    answer = world.get(f"device_groups/{gid}")
    assert answer.status == 200, answer.body
    return answer.json["macs"]


def put(world, gid, action, macs, **more):
    return world.call("PUT", f"device_groups/{gid}", {"action": action, "macs": macs, **more})


def change(world, gid, action, macs, **more):
    """(success, failed)"""
    answer = put(world, gid, action, macs, **more)
    assert answer.status == 200, answer.body
    assert set(answer.json) == {"success", "failed"}
    return answer.json["success"], answer.json["failed"]


def delete(world, gid):
    return world.call("DELETE", f"device_groups/{gid}")


def found(world, gid, **more):
    answer = world.get("devices/search", gid=gid, limit=1000, **more)
    assert answer.status == 200, answer.body
    assert answer.json["meta"]["total"] == len(answer.json["objects"])
    return {row["mac"] for row in answer.json["objects"]}


# --- the tree -------------------------------------------------------------------------------------------------

def test_a_product_without_groups_has_an_empty_tree(world):
    assert tree(world) == {}


def test_the_first_group_is_the_root_as_in_the_example(world):
    answer = world.call("POST", "device_groups", {})
    assert answer.status == 201 and set(answer.json) == {"gid"}
    assert re.fullmatch("[0-9a-f]{32}", answer.json["gid"])
    assert tree(world) == {answer.json["gid"]: ""}


def test_an_empty_body_creates_the_root(world):
    answer = world.call("POST", "device_groups")
    assert answer.status == 201
    assert tree(world) == {answer.json["gid"]: ""}


@pytest.mark.parametrize("name", ["parent_gid", "parent"])
def test_the_parent_has_two_names(world, name):
    root = create(world)
    answer = world.call("POST", "device_groups", {name: root})
    assert answer.status == 201
    assert tree(world) == {root: {answer.json["gid"]: ""}}


def test_parents_that_differ_are_5002(world):
    root = create(world)
    child = create(world, root)
    answer = world.call("POST", "device_groups", {"parent_gid": root, "parent": child})
    assert answer.error == (400, 5002) and "parent" in answer.json["detail_message"]
    assert tree(world) == {root: {child: ""}}
    assert world.call("POST", "device_groups", {"parent_gid": root, "parent": root}).status == 201
    assert world.call("POST", "device_groups", {"parent_gid": "", "parent": root}).status == 201


def test_an_empty_parent_is_none(world):
    assert world.call("POST", "device_groups", {"parent_gid": ""}).status == 201


def test_a_second_root_is_5203(world):
    create(world)
    assert world.call("POST", "device_groups", {}).error == (400, 5203)
    assert world.call("POST", "device_groups", {"parent_gid": None}).error == (400, 5203)


@pytest.mark.parametrize("parent", [UNKNOWN_ID, "x", "0" * 33, "ä" * 16])
def test_an_unknown_parent_is_5202(world, parent):
    create(world)
    assert world.call("POST", "device_groups", {"parent_gid": parent}).error == (404, 5202)


def test_a_parent_of_another_product_is_5201(world):
    create(world)
    foreign = create(World(world.server))
    assert world.call("POST", "device_groups", {"parent_gid": foreign}).error == (403, 5201)


@pytest.mark.parametrize("body,code", [("{", 5001), ("[]", 5001), ({"parent_gid": 7}, 5002), ({"parent": ["x"]}, 5002)])
def test_a_wrong_body_creates_nothing(world, body, code):
    assert world.call("POST", "device_groups", body).error == (400, code)
    assert tree(world) == {}


def test_siblings_stand_in_the_order_of_their_creation(world):
    root = create(world)
    children = [create(world, root) for _ in range(5)]
    grandchild = create(world, children[1])
    assert list(tree(world)[root]) == children
    assert tree(world)[root][children[1]] == {grandchild: ""}


def test_a_tree_may_be_deep(world):
    gids = [create(world)]
    for _ in range(150):
        gids.append(create(world, gids[-1]))
    at = tree(world)
    for gid in gids:
        assert list(at) == [gid]
        at = at[gid]
    assert at == ""


def test_trees_of_products_are_their_own(world):
    other = World(world.server)
    root, foreign = create(world), create(other)
    assert tree(world) == {root: ""} and tree(other) == {foreign: ""}


# --- deleting -------------------------------------------------------------------------------------------------

def test_an_empty_group_is_deleted_and_unknown_from_then_on(world):
    root = create(world)
    child = create(world, root)
    answer = delete(world, child)
    assert answer.status == 200 and answer.body == b"{}"
    assert tree(world) == {root: ""}
    assert delete(world, child).error == (404, 5206)
    assert world.get("devices/search", gid=child).error == (404, 5206)


def test_a_new_root_may_follow_a_deleted_one(world):
    first = create(world)
    assert delete(world, first).status == 200
    assert create(world) != first


def test_a_group_with_a_subgroup_is_5204(world):
    root = create(world)
    create(world, root)
    world.register("m")
    change(world, root, "assign", ["m"])
    assert delete(world, root).error == (400, 5204)


def test_a_group_with_a_device_is_5205(world):
    root = create(world)
    world.register("m")
    change(world, root, "assign", ["m"])
    assert delete(world, root).error == (400, 5205)
    change(world, root, "unassign", ["m"])
    assert delete(world, root).status == 200


def test_a_disabled_device_is_in_its_group(world):
    root = create(world)
    world.import_devices({"mac": "off", "is_disabled": True})
    assert change(world, root, "assign", ["off"]) == (["off"], [])
    assert macs_of(world, root) == ["off"]
    assert found(world, root) == set() and found(world, root, show_disabled=1) == {"off"}
    assert delete(world, root).error == (400, 5205)


def test_the_calls_of_one_group_know_unknown_and_foreign_ones(world):
    foreign = create(World(world.server))
    for gid, error in ((hex_id(), (404, 5206)), ("x", (404, 5206)), (foreign, (403, 5201))):
        assert delete(world, gid).error == error
        assert world.get(f"device_groups/{gid}").error == error
        assert put(world, gid, "assign", ["m"]).error == error


# --- macs -----------------------------------------------------------------------------------------------------

def test_macs_are_those_of_the_group_alone(world):
    root = create(world)
    child = create(world, root)
    for mac in ("a", "b", "c"):
        world.register(mac)
    change(world, root, "assign", ["b", "a"])
    change(world, child, "assign", ["c"])
    assert macs_of(world, root) == ["a", "b"] and macs_of(world, child) == ["c"]
    assert found(world, root) == {"a", "b", "c"} and found(world, child) == {"c"}


def test_unknown_and_foreign_macs_fail(world):
    other = World(world.server)
    root = create(world)
    world.register("mine")
    other.register("foreign")
    macs = ["nobody", "mine", "foreign", "M" * 65, ""]
    assert change(world, root, "assign", macs) == (["mine"], ["nobody", "foreign", "M" * 65, ""])


@pytest.mark.parametrize("reassign", [{}, {"reassign": False}, {"reassign": 0}, {"reassign": None}])
def test_a_mac_of_another_group_fails_without_reassign(world, reassign):
    root = create(world)
    child = create(world, root)
    world.register("m")
    change(world, child, "assign", ["m"])
    assert change(world, root, "assign", ["m"], **reassign) == ([], ["m"])
    assert macs_of(world, child) == ["m"]


@pytest.mark.parametrize("reassign", [True, 1])
def test_a_mac_of_another_group_is_moved_with_reassign(world, reassign):
    root = create(world)
    one, two = create(world, root), create(world, root)
    world.register("m")
    change(world, one, "assign", ["m"])
    assert change(world, two, "assign", ["m"], reassign=reassign) == (["m"], [])
    assert macs_of(world, one) == [] and macs_of(world, two) == ["m"]
    assert found(world, one) == set() and found(world, two) == {"m"}


def test_a_mac_that_is_in_the_group_already_succeeds(world):
    root = create(world)
    world.register("m")
    for _ in range(2):
        assert change(world, root, "assign", ["m"]) == (["m"], [])


def test_a_mac_that_is_not_in_the_group_cannot_leave_it(world):
    root = create(world)
    child = create(world, root)
    for mac in ("there", "nowhere", "elsewhere"):
        world.register(mac)
    change(world, root, "assign", ["there"])
    change(world, child, "assign", ["elsewhere"])
    assert change(world, root, "unassign", ["there", "nowhere", "elsewhere", "nobody"]) == (
        ["there"], ["nowhere", "elsewhere", "nobody"])
    assert found(world, root) == {"elsewhere"}


def test_a_mac_said_twice_is_answered_once(world):
    root = create(world)
    world.register("m")
    assert change(world, root, "assign", ["m", "x", "m", "x"]) == (["m"], ["x"])
    assert change(world, root, "unassign", ["m", "m"]) == (["m"], [])


def test_no_macs_are_no_change(world):
    assert change(world, create(world), "assign", []) == ([], [])


def test_a_thousand_macs_are_one_call_and_one_more_is_5002(world):
    root = create(world)
    macs = [f"mac{number:04}" for number in range(1001)]
    world.import_devices(*[{"mac": mac, "passcode": "p"} for mac in macs])
    assert put(world, root, "assign", macs).error == (400, 5002)
    assert change(world, root, "assign", macs[:1000]) == (macs[:1000], [])
    assert macs_of(world, root) == macs[:1000] and found(world, root) == set(macs[:1000])


@pytest.mark.parametrize("body", [
    {}, {"action": "assign"}, {"macs": ["m"]}, {"action": "move", "macs": ["m"]}, {"action": 1, "macs": ["m"]},
    {"action": "assign", "macs": "m"}, {"action": "assign", "macs": {"m": 1}}, {"action": "assign", "macs": ["m", 1]},
    {"action": "assign", "macs": [None]}, {"action": "assign", "macs": ["m"], "reassign": "yes"},
    {"action": "assign", "macs": ["m"], "reassign": 2}])
def test_a_wrong_change_is_5002_and_changes_nothing(world, body):
    root = create(world)
    world.register("m")
    answer = world.call("PUT", f"device_groups/{root}", body)
    assert answer.error == (400, 5002) and answer.json["detail_message"]
    assert macs_of(world, root) == []


@pytest.mark.parametrize("body", ["", "{", "[]"])
def test_a_change_without_a_json_object_is_5001(world, body):
    assert world.call("PUT", f"device_groups/{create(world)}", body).error == (400, 5001)


def test_a_mac_stays_in_its_group_when_it_registers_anew(world):
    root = create(world)
    world.register("m", "one")
    change(world, root, "assign", ["m"])
    did, _ = world.register("m", "two")
    assert [row["did"] for row in world.get("devices/search", gid=root).json["objects"]] == [did]
    assert macs_of(world, root) == ["m"]
    assert change(world, root, "unassign", ["m"]) == (["m"], [])
    assert delete(world, root).status == 200


def test_another_did_that_is_imported_for_a_mac_is_in_its_group(world):
    root = create(world)
    world.import_devices({"mac": "m", "did": "A" * 22, "passcode": "1", "is_disabled": True})
    change(world, root, "assign", ["m"])
    world.import_devices({"mac": "m", "did": "B" * 22, "passcode": "2"})
    assert found(world, root) == {"m"}


# --- who asks, and when -----------------------------------------------------------------------------------------

def test_the_calls_need_the_products_token(world):
    other = World(world.server)
    gid = create(world)
    for method, path in (("GET", "device_groups"), ("POST", "device_groups"), ("GET", f"device_groups/{gid}"),
                         ("PUT", f"device_groups/{gid}"), ("DELETE", f"device_groups/{gid}")):
        for headers, code in (({}, 5009), (other.headers, 5010)):
            assert request(world.server.http, method, world.path(path), "{}", headers).error == (400, code)
    assert tree(world) == {gid: ""}


def test_groups_outlive_a_crash(make_server):
    world = World(make_server())
    root = create(world)
    child, gone = create(world, root), create(world, root)
    world.register("m")
    change(world, child, "assign", ["m"])
    assert delete(world, gone).status == 200
    world.server.kill()
    world.server.start()
    assert tree(world) == {root: {child: ""}}
    assert macs_of(world, child) == ["m"] and found(world, root) == {"m"}
    assert world.get("devices/search", gid=gone).error == (404, 5206)


# --- against a model --------------------------------------------------------------------------------------------

class Model:
    """The tree as a dict of parents, the assignments as a dict of groups."""

    def __init__(self, macs):
        self.parents, self.groups, self.macs = {}, {}, macs

    def root(self):
        return next((gid for gid, parent in self.parents.items() if parent is None), None)

    def nested(self, above=None):
        return {gid: self.nested(gid) or "" for gid, parent in self.parents.items() if parent == above}

    def below(self, gid):
        return {gid}.union(*[self.below(child) for child, parent in self.parents.items() if parent == gid])

    def members(self, gid):
        return {mac for mac, group in self.groups.items() if group in self.below(gid)}

    def change(self, gid, action, macs, reassign):
        success, failed = [], []
        for mac in macs:
            now = self.groups.get(mac)
            if mac not in self.macs or (now != gid and (action == "unassign" or now and not reassign)):
                failed.append(mac)
                continue
            success.append(mac)
            if action == "assign":
                self.groups[mac] = gid
            else:
                del self.groups[mac]
        return success, failed

    def delete_error(self, gid):
        if gid in self.parents.values():
            return 5204
        return 5205 if gid in self.groups.values() else None


@pytest.mark.parametrize("seed", range(3))
def test_random_trees_and_assignments_are_what_a_model_says(world, seed):
    chance = random.Random(seed)
    model = Model([f"mac{number}" for number in range(30)])
    world.import_devices(*[{"mac": mac, "passcode": "p"} for mac in model.macs])
    for _ in range(150):
        step, some = chance.random(), chance.choice(list(model.parents) or [None])
        if some is None or step < 0.3:
            parent = None if model.root() is None else some
            model.parents[create(world, parent)] = parent
        elif step < 0.5:
            answer, code = delete(world, some), model.delete_error(some)
            if code:
                assert answer.error == (400, code)
            else:
                assert answer.status == 200
                del model.parents[some]
        else:
            action, reassign = chance.choice(["assign", "assign", "unassign"]), chance.random() < 0.5
            macs = chance.sample([*model.macs, "nobody"], chance.randrange(8))
            assert change(world, some, action, macs, reassign=reassign) == model.change(some, action, macs, reassign)
        if chance.random() < 0.2:
            assert tree(world) == model.nested()
            for gid in model.parents:
                assert found(world, gid) == model.members(gid)
                assert macs_of(world, gid) == sorted(mac for mac, group in model.groups.items() if group == gid)
