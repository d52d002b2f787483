"""The operator's commands on what `apply` can add: disable, enable, delete, rotate, revoke."""

import json
import re
import threading

import pytest

from mqtt import Device
from server import run, wait_until
from world import REPORT, World, device_request, hex_id, request, status_report


def command(server, verb, *arguments, **keywords):
    return run(verb, "--data", server.data, *arguments, **keywords)


def done(server, verb, *arguments, **keywords):
    result = command(server, verb, *arguments, **keywords)
    assert result.returncode == 0, result.stderr
    return result.stdout


def expect_good(server):
    """Of a server that has been stopped: nothing contradicts anything else."""
    checked = run("check", "--data", server.data)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def refused(server, verb, *arguments, **keywords):
    result = command(server, verb, *arguments, **keywords)
    assert result.returncode == 2 and result.stdout == "", (result.returncode, result.stdout)
    return result.stderr


class People:
    """An app of the world's product with users."""

    def __init__(self, world, count=1, **user):
        self.world, self.appid = world, hex_id()
        self.uids = [hex_id() for _ in range(count)]
        world.server.apply({"apps": [{"appid": self.appid, "product_keys": [world.product_key]}],
                            "users": [{"uid": uid, "appid": self.appid, **user} for uid in self.uids]})

    def bind(self, did, uid=None, method="POST"):
        return self.world.call(method, "devices/bindings",
                               {"uid": uid or self.uids[0], "appid": self.appid, "dids": [did]})


# --- devices ---

def test_a_device_is_named_the_same_way_in_every_command(server):
    world, other = World(server), World(server)
    device = world.device(level=4, registered=world.register("aabbccddee01"))
    world.register("aabbccddee02")
    other.register("aabbccddee02")
    for name in (device.did, f"{world.product_key}/aabbccddee01", "aabbccddee01"):
        assert device.did in done(server, "device", name)
        for verb in ("disable", "enable"):
            assert device.did in done(server, verb, "device", name)
    for name in ("aabbccddee02", "aabbccddee03"):
        for arguments in (("disable", "device"), ("enable", "device"), ("delete", "device"), ("kick",)):
            refused(server, *arguments, name)
    for arguments in (("disable", "device"), ("delete", "device"), ("kick",), ("device",)):
        said = command(server, *arguments, "aabbccddee02")
        assert "name it PRODUCT_KEY/MAC" in said.stdout + said.stderr


def test_a_disabled_devices_session_ends_at_once_and_it_cannot_log_in_until_enabled(server):
    world = World(server)
    device = world.device()
    assert "disabled" in done(server, "disable", "device", device.did)
    device.expect_closed()
    assert world.get("devices/search").json["meta"]["total"] == 0
    assert world.control(device.did, attrs={"switch": 1}).error == (400, 5304)
    assert "already" in done(server, "disable", "device", device.did)
    done(server, "enable", "device", device.did)
    world.device(registered=(device.did, device.passcode))
    assert world.get("devices/search").json["meta"]["total"] == 1


def test_a_disabled_device_does_not_enable_itself_by_registering(server):
    world = World(server)
    did, passcode = world.register("mac-rogue")
    # Its own word first: that one it may take back.
    form = f"did={did}&passcode={passcode}"
    assert device_request(server.http, "DELETE", "/dev/devices", form)[0] == 200
    assert "disabled" in done(server, "disable", "device", did)
    registration = f"passcode={passcode}&mac=mac-rogue&product_key={world.product_key}"
    status, _, body = device_request(server.http, "POST", "/dev/devices", registration)
    assert (status, body) == (400, "error_code=5304&error_message=device is disabled")
    assert "register: the operator has disabled it" in run("device", "--data", server.data, did).stdout
    done(server, "enable", "device", did)
    assert world.register("mac-rogue", passcode)[0] == did
    server.stop()
    expect_good(server)


def test_a_deleted_devices_session_ends_at_once_and_nothing_of_it_is_found(server):
    world = World(server)
    device = world.device(mac="aabbccddeeff")
    device.report(REPORT)
    wait_until(lambda: world.get(f"devices/{device.did}/data").json["meta"]["total"] == 1)
    assert device.did in done(server, "delete", "device", device.did)
    device.expect_closed()
    assert world.get("devices", mac="aabbccddeeff").error == (404, 5301)
    assert world.get(f"devices/{device.did}/data").error == (404, 5301)
    assert world.get("devices/search", show_disabled=1).json["meta"]["total"] == 0
    assert "there is none" in refused(server, "delete", "device", device.did)


def test_a_deleted_device_that_registers_again_is_a_new_one_with_nothing_of_the_old(server):
    world = World(server)
    device = world.device(mac="aabbccddeeff")
    device.report(status_report(faults=1), qos=1)
    done(server, "delete", "device", f"{world.product_key}/aabbccddeeff")
    device.expect_closed()
    did, passcode = world.register("aabbccddeeff", device.passcode)
    assert did != device.did
    detail = world.get("device_detail", mac="aabbccddeeff").json
    assert detail["did"] == did and not detail["is_online"]
    assert world.get(f"devices/{did}/data").json["meta"]["total"] == 0
    assert world.get(f"devices/{did}/online").json["meta"]["total"] == 0
    again = world.device(registered=(did, passcode))
    again.report(REPORT, qos=1)
    assert world.get(f"devices/{did}/data").json["meta"]["total"] == 1


def test_reports_forget_a_deleted_device_also_across_a_crash(make_server):
    server = make_server()
    world = World(server)
    stays, goes = world.device(mac="000000000001"), world.device(mac="000000000002")
    for device in (stays, goes):
        device.report(status_report(faults=1, alerts=1), qos=1)

    def counts():
        calls = ("fault/report/devices", "fault/report/events", "alert/report/devices", "alert/report/events",
                 "devices/report/liveness", "devices/report/rt", "devices/summary", "active_devices", "incr_devices")
        return [world.get(call).json for call in calls]
    both = counts()
    assert both[0]["count"]["total"] == 2
    done(server, "delete", "device", goes.did)
    one = counts()
    assert one[0]["count"]["total"] == 1 and all(a != b for a, b in zip(both, one)), (both, one)
    stays.close()
    server.kill()
    server.start()
    again = counts()
    assert again[:5] == one[:5] and again[7:] == one[7:]  # the crash has ended the session: rt and summary
    assert world.get("devices", mac="000000000002").error == (404, 5301)


def test_devices_are_deleted_while_they_report_and_log_in(server):
    """What crosses the deletion (a login, a report, a control) leaves no session and no state behind."""
    world = World(server)
    registered = [world.register(f"{i:012x}") for i in range(40)]
    stop = threading.Event()

    def bother(some):
        while not stop.is_set():
            for did, passcode in some:
                try:
                    device = Device(server.mqtt, did, passcode, world.product_key)
                    device.connect()
                    device.report(REPORT)
                    device.report(status_report(faults=1))
                except Exception:
                    pass

    threads = [threading.Thread(target=bother, args=(registered[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    try:
        for did, _ in registered[:30]:
            done(server, "delete", "device", did)
            world.control(did, attrs={"switch": 1})
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert world.get("devices/search").json["meta"]["total"] == 10

    def sessions():
        text = request(server.ops, "GET", "/metrics").body.decode()
        return float(re.search(r"^muster_sessions (\S+)$", text, re.M).group(1))
    wait_until(lambda: sessions() <= 10, what="an end of the deleted devices' sessions")
    assert server.restart() and world.get("devices/search").json["meta"]["total"] == 10
    server.stop()
    expect_good(server)


def test_a_device_that_is_bound_is_not_deleted_unless_asked_to(server):
    world = World(server)
    people = People(world)
    did, _ = world.register("aabbccddeeff")
    assert people.bind(did).json["success"] == [did]
    said = refused(server, "delete", "device", did)
    assert "1 binding" in said and "--unbind" in said
    assert "1 binding" in refused(server, "delete", "user", people.uids[0])
    done(server, "delete", "--unbind", "device", did)
    assert world.get("users/search").json["meta"]["total"] == 0
    assert world.get("users/report/total").json["total"] == 1  # that he was bound stays as long as he does
    done(server, "delete", "user", people.uids[0])
    assert world.get("users/report/total").json["total"] == 0


def test_of_many_mistakes_the_first_are_told_and_how_many_more_there_are(server):
    said = refused(server, "delete", "device", "-", input="\n".join(f"nobody{i}" for i in range(150))).splitlines()
    assert len(said) == 101 and said[99].endswith("nobody99: there is none") and said[100].endswith("and 50 more")


def test_ids_from_standard_input_are_done_all_or_none(server):
    world = World(server)
    dids = [world.register(f"{i:012x}")[0] for i in range(3)]
    said = refused(server, "delete", "device", "-", input="\n".join([*dids, "nobody"]))
    assert said == "muster delete: device nobody: there is none\n"
    assert world.get("devices/search").json["meta"]["total"] == 3
    assert len(done(server, "delete", "device", "-", input="\n".join(dids)).splitlines()) == 3
    assert world.get("devices/search").json["meta"]["total"] == 0


# --- users ---

def test_a_disabled_user_is_left_out_and_comes_back_with_his_bindings(server):
    world = World(server)
    people = People(world, country="China")
    did, _ = world.register("aabbccddeeff")
    other, _ = world.register("aabbccddee00")
    people.bind(did)

    def seen():
        header = {"X-Gizwits-Enterprise-ID": world.enterprise_id, "X-Gizwits-Enterprise-Secret": world.enterprise_secret}
        registered, places = (request(server.http, "GET", f"/v1/users/{call}?product_key={world.product_key}",
                                      headers=header) for call in ("search", "location"))
        return (world.get("users/search").json["meta"]["total"], registered.json["meta"]["total"], places.json,
                world.get("devices/search", type="uid", val=people.uids[0]).status, world.get("users/report/total").json)
    before = seen()
    assert before[:2] == (1, 1)
    done(server, "disable", "user", people.uids[0])
    hidden = seen()
    assert hidden[:2] == (0, 0) and hidden[3] == 404 and all(a != b for a, b in zip(before, hidden)), (before, hidden)
    assert people.bind(other).error == (404, 5017)
    server.apply({"users": [{"uid": people.uids[0], "is_disabled": False}]})
    assert seen() == before
    assert people.bind(other).json["success"] == [other]


# --- products, enterprises, apps, groups ---

def test_what_is_used_is_not_deleted_and_what_is_in_the_way_is_told(server):
    world = World(server)
    people = People(world)
    did, _ = world.register()
    gid = world.call("POST", "device_groups").json["gid"]
    below = world.call("POST", "device_groups", {"parent_gid": gid}).json["gid"]
    assert "1 product:" in refused(server, "delete", "enterprise", world.enterprise_id)
    said = refused(server, "delete", "product", world.product_key)
    assert "1 device:" in said and "2 groups:" in said and "1 app:" in said
    assert "1 user:" in refused(server, "delete", "app", people.appid)
    assert "1 group:" in refused(server, "delete", "group", gid)

    done(server, "delete", "device", did)
    done(server, "delete", "user", people.uids[0])
    done(server, "delete", "app", people.appid)
    done(server, "delete", "group", below)
    done(server, "delete", "group", gid)
    assert world.get("device_groups").json == {}
    done(server, "delete", "product", world.product_key)
    assert world.get("devices/search").error in ((400, 5009), (404, 5015))
    done(server, "delete", "enterprise", world.enterprise_id)
    assert world.take_token().error == (404, 5003)


def test_a_product_key_can_be_used_again_after_its_deletion(server):
    world = World(server)
    did, _ = world.register("aabbccddeeff")
    done(server, "delete", "device", did)
    done(server, "delete", "product", world.product_key)
    server.apply({"products": [{"product_key": world.product_key, "product_secret": world.product_secret}],
                  "enterprises": [{"enterprise_id": world.enterprise_id, "product_keys": [world.product_key]}]})
    world._token = None
    assert world.get("devices/search").json["meta"]["total"] == 0
    assert world.get("datapoint").error == (404, 5402)


# --- secrets and tokens ---

def test_a_new_secret_is_told_once_and_the_old_one_is_worth_nothing(server):
    world = World(server)
    token = world.token
    secret = re.search(r"new enterprise_secret ([0-9a-f]{32})\n",
                       done(server, "rotate", "enterprise", world.enterprise_id)).group(1)
    assert world.take_token().error == (400, 5004)
    assert world.take_token(enterprise_secret=secret).status == 201
    product_secret = re.search(r"new product_secret ([0-9a-f]{32})\n",
                               done(server, "rotate", "product", world.product_key)).group(1)
    assert world.take_token(enterprise_secret=secret).error == (400, 5005)
    assert world.take_token(enterprise_secret=secret, product_secret=product_secret).status == 201
    assert token == world.token and world.get("devices/search").status == 200


@pytest.mark.parametrize("kind", ["enterprise", "product"])
def test_revoked_tokens_are_worth_nothing_at_once(server, kind):
    world, other = World(server), World(server)
    world.token, other.token
    assert "1 token revoked" in done(server, "revoke", kind, getattr(world, kind + ("_id" if kind == "enterprise" else "_key")))
    assert world.get("devices/search").error == (400, 5009)
    assert other.get("devices/search").status == 200


# --- at rest, and crashed ---

def test_the_commands_work_on_a_directory_at_rest(make_server):
    server = make_server()
    world = World(server)
    device = world.device(mac="aabbccddeeff")
    device.report(status_report(faults=1), qos=1)
    assert world.token
    server.stop()
    assert "deleted" in done(server, "delete", "device", device.did)
    assert "new product_secret" in done(server, "rotate", "product", world.product_key)
    server.start()
    assert world.get("devices", mac="aabbccddeeff").error == (404, 5301)
    assert world.take_token().error == (400, 5005)


def test_a_directory_that_is_not_there_is_not_made(tmp_path):
    result = run("delete", "--data", tmp_path / "nowhere", "device", "x")
    assert result.returncode == 2 and "nowhere" in result.stderr and not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("arguments", [("delete", "cat", "x"), ("disable", "product", "x"), ("rotate", "device", "x"),
                                       ("revoke", "user", "x"), ("delete", "device")])
def test_what_a_command_is_not_for_is_one_line_and_status_2(arguments, shared_server):
    result = command(shared_server, *arguments)
    assert result.returncode == 2 and result.stdout == "" and len(result.stderr.strip().splitlines()) == 1


def test_a_crash_between_deletion_and_cleaning_up_leaves_nothing(make_server):
    """The registry's commit made by hand: the journal still has all of the device when it starts again."""
    server = make_server()
    world = World(server)
    device = world.device(mac="aabbccddeeff")
    device.report(status_report(faults=1), qos=1)
    server.kill()
    with server.registry() as db:
        db.execute("DELETE FROM device WHERE did = ?", (device.did,))
    server.start()
    assert world.get("fault/report/devices").json["count"]["total"] == 0
    did, _ = world.register("aabbccddeeff")
    assert did != device.did and world.get(f"devices/{did}/data").json["meta"]["total"] == 0
    server.stop()
    expect_good(server)


def test_a_server_that_is_killed_while_it_deletes_has_deleted_each_device_or_not(make_server):
    """Whatever was said to be deleted is; the rest is whole."""
    server = make_server()
    world = World(server)
    devices = [world.device(mac=f"{i:012x}") for i in range(12)]
    for device in devices:
        device.report(status_report(faults=1), qos=1)
    deleted = []

    def delete_all():
        for device in devices:
            if command(server, "delete", "device", device.did).returncode == 0:
                deleted.append(device.did)
            else:
                return

    thread = threading.Thread(target=delete_all)
    thread.start()
    wait_until(lambda: len(deleted) >= 4)
    server.kill()
    thread.join()
    expect_good(server)
    said = set(deleted)
    server.start()
    left = {row["did"] for row in world.get("devices/search", limit=100).json["objects"]}
    every = {device.did for device in devices}
    assert left <= every - said and len(every - left) <= len(said) + 1
    assert world.get("fault/report/devices").json["count"]["total"] == len(left)
    rows = [json.loads(line) for line in done(server, "audit", "--json").splitlines()]
    assert {row["id"] for row in rows if row["action"] == "delete"} == every - left
    server.stop()
    expect_good(server)
