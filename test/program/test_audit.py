"""The audit log: who has changed or controlled what, when, and what became of it."""

import json
import os
import pwd
import re
import subprocess
import time

import pytest

from bulk import import_rows
from clock import environment
from server import ENOUGH_S, muster, run, wait_until
from world import World, hex_id, request

ME = (os.getuid(), pwd.getpwuid(os.getuid()).pw_name)
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d"
OPERATOR = {"enterprise_id": None, "request_id": None}


def log(server, *arguments):
    done = run("audit", "--data", server.data, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def said(rows):
    return [(row["action"], row["kind"], row["id"], row["change"], row["error_code"]) for row in rows]


def by_enterprise(world, answer, row):
    return (row["enterprise_id"], row["request_id"], row["uid"], row["user"]) == (
        world.enterprise_id, answer.headers["X-Request-Id"], None, None)


def test_what_the_operator_changes_is_entered_with_his_name(server):
    before = time.time()
    world = World(server)
    did, _ = world.register("aabbccddeeff")  # a device's own doing is no change of people's
    for verb in ("disable", "enable", "delete"):
        assert run(verb, "--data", server.data, "device", did).returncode == 0
    rows = log(server)
    assert said(rows) == [
        ("create", "enterprise", world.enterprise_id, "", None), ("create", "product", world.product_key, "datapoint", None),
        ("associate", "product", world.product_key, f"enterprise={world.enterprise_id}", None),
        ("disable", "device", did, "", None), ("enable", "device", did, "", None),
        ("delete", "device", did, f"product={world.product_key} mac=aabbccddeeff", None)]
    assert [row["command"] for row in rows] == ["apply"] * 3 + ["disable", "enable", "delete"]
    for row in rows:
        assert {**row, **OPERATOR} == row and (row["uid"], row["user"]) == ME
        assert int(before) <= row["time"] <= time.time() + 1
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)


def test_what_an_enterprise_changes_is_entered_with_its_request(server):
    world = World(server)
    appid, uid = hex_id(), hex_id()
    server.apply({"apps": [{"appid": appid, "product_keys": [world.product_key]}], "users": [{"uid": uid, "appid": appid}]})
    did, _ = world.register("aabbccddeeff")
    taken = world.take_token()
    world._token = taken.json["token"]
    root = world.call("POST", "device_groups")
    gid = root.json["gid"]
    below = world.call("POST", "device_groups", {"parent_gid": gid})
    assigned = world.call("PUT", f"device_groups/{gid}", {"action": "assign", "macs": ["aabbccddeeff", "unknown"]})
    again = world.call("PUT", f"device_groups/{gid}", {"action": "assign", "macs": ["aabbccddeeff"]})
    unassigned = world.call("PUT", f"device_groups/{gid}", {"action": "unassign", "macs": ["aabbccddeeff"]})
    gone = world.call("DELETE", f"device_groups/{below.json['gid']}")
    binding = {"uid": uid, "appid": appid, "dids": [did]}
    bound = world.call("POST", "devices/bindings", binding)
    unbound = world.call("DELETE", "devices/bindings", binding)
    assert again.status == 200
    rows = log(server, "--enterprise", world.enterprise_id)
    assert said(rows) == [
        ("issue_token", "product", world.product_key, f"expires_at={taken.json['expire_at']}", None),
        ("create", "group", gid, "root", None), ("create", "group", below.json["gid"], f"parent={gid}", None),
        ("assign", "group", gid, "mac=aabbccddeeff", None), ("unassign", "group", gid, "mac=aabbccddeeff", None),
        ("delete", "group", below.json["gid"], "", None),
        ("bind", "device", did, f"user={uid}", None), ("unbind", "device", did, f"user={uid}", None)]
    answers = [taken, root, below, assigned, unassigned, gone, bound, unbound]
    assert all(by_enterprise(world, answer, row) for answer, row in zip(answers, rows))


@pytest.mark.parametrize("running", [True, False])
def test_all_that_an_import_creates_is_one_entry(server, running):
    world = World(server)
    rows = [{"product_key": world.product_key, "mac": f"mac{i}"} for i in range(1750)]
    if not running:
        server.stop()
    import_rows(server.data, "devices", rows[:1200])
    import_rows(server.data, "devices", [{**row, "device_sn": "new" if i < 2 else ""} for i, row in enumerate(rows)])
    entries = [(row["action"], row["kind"], row["change"]) for row in log(server) if row["command"] == "import"]
    assert sorted(entries) == [("import", "device", "devices=1200"), ("import", "device", "devices=550"),
                               *[("update", "device", "device_sn")] * 2]


def test_an_association_is_entered(server):
    world, key = World(server), hex_id()
    server.apply({"products": [{"product_key": key, "product_secret": world.product_secret}]})
    answer = request(server.http, "POST", f"/v1/products/{key}/association",
                     {"enterprise_id": world.enterprise_id, "enterprise_secret": world.enterprise_secret,
                      "product_secret": world.product_secret})
    assert answer.status == 201, answer.body
    row, = log(server, "--enterprise", world.enterprise_id)
    assert said([row]) == [("associate", "product", key, "", None)] and by_enterprise(world, answer, row)


def test_a_control_is_entered_whatever_became_of_it(server):
    world = World(server)
    device = world.device(mac="aabbccddeeff")
    done = world.control(device.did, attrs={"switch": 1})
    assert done.status == 200, done.body
    frame = device.receive_publish()[1].hex()
    foreign = World(server).register()[0]
    wrong = world.control(device.did, attrs={"nothing": 1})
    unknown = world.control("a" * 22, attrs={"switch": 1})
    other = world.control(foreign, attrs={"switch": 1})
    bad = world.control(device.did)
    device.close()
    world.online_log_once_ended(device.did)
    offline = world.control(device.did, attrs={"switch": 1})
    answers = [done, wrong, unknown, other, bad, offline]
    rows = wait_until(lambda: len(found := [row for row in log(server) if row["action"] == "control"]) == 6 and found)
    assert [(row["id"], row["error_code"]) for row in rows] == [
        (device.did, None), (device.did, 5405), ("a" * 22, 5301), (foreign, 5302), (device.did, 5002), (device.did, 5305)]
    assert all(by_enterprise(world, answer, row) for answer, row in zip(answers, rows))
    assert rows[0]["change"] == f"bytes={len(frame) // 2} frame={frame}" and rows[1]["change"] == ""
    assert rows[5]["change"] == rows[0]["change"]


def test_a_flood_of_refused_controls_is_cut_off_within_the_hour(server):
    world = World(server)
    did, _ = world.register()
    for _ in range(1210):
        world.control(did, attrs={"switch": 1})
    rows = wait_until(lambda: len(found := log(server, "--id", did)) >= 600 and found)
    hours = {int(row["time"]) // 3600 for row in rows}
    last = [row for row in rows if "further_refusals_this_hour=not_kept" in row["change"]]
    assert len(rows) <= 600 * len(hours) and 1 <= len(last) <= len(hours) <= 2


def test_the_log_survives_a_crash_and_what_it_tells_of(make_server):
    server = make_server()
    world = World(server)
    device = world.device(mac="aabbccddeeff")
    assert world.control(device.did, attrs={"switch": 1}).status == 200
    assert run("delete", "--data", server.data, "device", device.did).returncode == 0
    before = log(server)
    server.kill()
    assert log(server) == before  # at rest
    server.start()
    assert log(server) == before
    assert [row["action"] for row in log(server, "--id", device.did)] == ["control", "delete"]


def test_both_sides_of_the_log_are_merged_over_many_pages(server):
    world = World(server)
    device = world.device(mac="aabbccddeeff", level=4)
    for part in range(3):
        server.apply({"devices": [{"product_key": world.product_key, "mac": f"{part}-{i}"} for i in range(1200)]})
        assert world.control(device.did, attrs={"switch": part % 2}).status == 200
    rows = log(server)
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    assert sum(row["action"] == "create" and row["kind"] == "device" for row in rows) == 3600
    assert [i for i, row in enumerate(rows) if row["action"] == "control"] == [
        len(rows) - 2402 - 1, len(rows) - 1201 - 1, len(rows) - 1]
    assert len({(row["time"], row["id"], row["action"]) for row in rows}) == len(rows)


def test_filters(server):
    world = World(server)
    did, _ = world.register("aabbccddeeff")
    world.call("POST", "device_groups")
    run("disable", "--data", server.data, "device", did)
    assert {row["kind"] for row in log(server)} == {"enterprise", "product", "group", "device"}
    assert {row["kind"] for row in log(server, "--kind", "group")} == {"group"}
    assert [row["action"] for row in log(server, "--id", did)] == ["disable"]
    assert [row["action"] for row in log(server, "--id", world.enterprise_id)] == ["create", "associate"]
    now = int(time.time())
    assert log(server, "--from", str(now + 60)) == [] and log(server, "--to", str(now - 3600)) == []
    assert len(log(server, "--from", str(now - 3600), "--to", str(now + 60))) == len(log(server))
    day = time.strftime("%Y-%m-%d", time.gmtime(now + 8 * 3600))  # Asia/Shanghai
    assert len(log(server, "--from", day, "--to", day)) == len(log(server))
    assert log(server, "--to", f"{day}T00:00") == [] and log(server, "--from", f"{day} 23:59:59") == []


def test_for_people_it_fits_a_terminal_of_80_columns(world):
    server = world.server
    did, _ = world.register("aabbccddeeff")
    run("disable", "--data", server.data, "device", did)
    world.control(did, raw="00" * 60)
    world.take_token()
    lines = run("audit", "--data", server.data).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    at = next(i for i, line in enumerate(lines) if f"disable device {did}" in line)
    assert re.fullmatch(TIME + f"  disable device {did}", lines[at])
    assert lines[at + 1] == f"{'':27}by {ME[1]} ({ME[0]})"
    assert any(line.startswith(f"{'':27}by {world.enterprise_id} ") for line in lines)


def test_wide_it_is_a_table_with_a_line_each(server):
    world = World(server)
    did, _ = world.register("aabbccddeeff")
    run("disable", "--data", server.data, "device", did)
    lines = run("audit", "--data", server.data, "--wide").stdout.splitlines()
    assert lines[0].split() == ["TIME", "WHO", "ACTION", "KIND", "ID", "RESULT", "CHANGE"]
    assert re.fullmatch(TIME + "  " + re.escape(f"{ME[1]} ({ME[0]})") + r" +disable +device +" + did + " +done *", lines[-1])


def test_times_are_those_of_the_directorys_zone_with_its_offset_everywhere(server):
    """And what is shown is understood."""
    world = World(server)
    did, _ = world.register("aabbccddeeff")
    run("disable", "--data", server.data, "device", did)
    at = re.findall(TIME, run("audit", "--data", server.data).stdout)[-1]
    assert at.endswith("+08:00")
    assert f"disable device {did}" in run("audit", "--data", server.data, "--from", at).stdout
    assert did not in run("audit", "--data", server.data, "--to", at).stdout
    for command in (("device", did), ("status",)):
        told = re.findall(TIME, run(*command, "--data", server.data).stdout)
        assert told and all(text.endswith("+08:00") for text in told), command
    seconds = int(time.time()) + 1
    for text in (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)),
                 time.strftime("%Y-%m-%d %H:%M:%S-02:30", time.gmtime(seconds - 9000))):
        assert run("audit", "--data", server.data, "--from", text).stdout == ""
        assert did in run("audit", "--data", server.data, "--to", text).stdout


@pytest.mark.parametrize("arguments", [("--from", "yesterday"), ("--to", "2026-13-40x"), ("--kind", "cat"),
                                       ("--from", "2026-11-26T25"), ("--id", "a\nb")])
def test_what_cannot_be_asked_is_one_line_and_status_2(arguments, shared_server):
    done = run("audit", "--data", shared_server.data, *arguments)
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, (done.stdout, done.stderr)


def test_changes_are_kept_for_their_days_and_a_clock_that_jumps_ahead_takes_none(make_server):
    server = make_server("--activity-days", "31")
    did = World(server).device(level=4).did  # whose login is committed, and with it the time
    server.stop()
    long_ago = {**os.environ, **environment(time.time() - 40 * 86400)}
    subprocess.run(muster("disable", "--data", server.data, "device", did), env=long_ago, check=True, timeout=ENOUGH_S)
    kept = [row for row in log(server) if row["action"] != "disable"]
    assert len(kept) == len(log(server)) - 1
    server.env = environment(time.time() + 400 * 86400)
    server.start()
    wait_until(lambda: log(server, "--to", "2030-01-01") == kept)
