"""muster import: rows in bulk, into a running server and into a directory at rest."""

import os
import random
import secrets
import signal
import subprocess
import threading
import time

import pytest

from bulk import csv_text, import_rows, ndjson_text, run_import
from server import ENOUGH_S, PATIENCE, muster, run, wait_until
from world import REPORT, World, device_request, hex_id, query, request

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# A sanitized build does in a minute what another does in seconds.
MANY = 100_000 if PATIENCE == 1 else 5_000


def new_did():
    return "".join(secrets.choice(ALPHABET) for _ in range(22))


def device_rows(world, count, **fields):
    return [{"product_key": world.product_key, "mac": f"mac{i}", "did": new_did(), "passcode": f"pass{i}",
             "created_at": 1500000000 + i, **fields} for i in range(count)]


def search(world, **parameters):
    answer = world.get("devices/search", **parameters)
    assert answer.status == 200, answer.body
    return answer.json


@pytest.fixture
def people(world):
    """An app with a user and a device to be bound."""
    world.appid, world.uid = hex_id(), hex_id()
    world.server.apply({"apps": [{"appid": world.appid, "name": "App", "product_keys": [world.product_key]}]})
    import_rows(world.server.data, "users", [{"uid": world.uid, "appid": world.appid}])
    world.did = world.register("bound")[0]
    return world


# --- rows -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("format", ["csv", "ndjson"])
def test_devices_are_there_for_every_call(world, format):
    rows = [{"product_key": world.product_key, "mac": "m,1", "did": new_did(), "passcode": "p\"1", "type": "bluetooth",
             "device_sn": "line\nbreak", "is_disabled": False, "created_at": 1505789918, "country": "中国", "region": "广东",
             "city": "广州", "longitude": 113.25, "latitude": -23.125}]
    assert import_rows(world.server.data, "devices", rows, format) == (1, 0, 0, 0)
    found = search(world, type="did", val=rows[0]["did"])["objects"][0]
    assert {name: found[name] for name in ("mac", "did", "country", "region", "city")} == {
        name: rows[0][name] for name in ("mac", "did", "country", "region", "city")}
    assert (found["longitude"], found["latitude"]) == (113.25, -23.125)
    assert world.get("devices", mac="m,1").json == {"did": rows[0]["did"], "passcode": "p\"1"}


@pytest.mark.parametrize("format", ["csv", "ndjson"])
def test_users_are_there_for_every_call(world, format):
    appid = hex_id()
    world.server.apply({"apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}]})
    row = {"uid": hex_id(), "appid": appid, "username": "anna", "phone": "13800000000", "is_anonymous": True,
           "auth_src": {"src": "x,\"y\""}, "created_at": 1513135417, "updated_at": 1513135999, "name": "安娜"}
    assert import_rows(world.server.data, "users", [row], format) == (1, 0, 0, 0)
    found = request(world.server.http, "GET", f"/v1/users/search?{query(product_key=world.product_key)}",
                    headers=world.headers).json["objects"][0]
    assert {name: found[name] for name in ("uid", "username", "phone", "is_anonymous", "created_at", "updated_at")} == {
        name: row[name] for name in ("uid", "username", "phone", "is_anonymous", "created_at", "updated_at")}
    assert import_rows(world.server.data, "users", [row], format) == (0, 0, 1, 0)


def test_an_empty_cell_leaves_a_field_and_a_mark_clears_it(world):
    row = {"product_key": world.product_key, "mac": "m", "passcode": "p", "region": "Guangdong", "city": "Guangzhou"}
    import_rows(world.server.data, "devices", [row])
    assert import_rows(world.server.data, "devices", [{**row, "region": "", "city": None}]) == (0, 1, 0, 0)
    found = search(world)["objects"][0]
    assert (found["region"], found["city"]) == ("Guangdong", None)
    quoted = f'product_key,mac,city\n{world.product_key},m,"\\N"\n'
    assert run_import(world.server.data, "devices", quoted).status == 0
    assert search(world)["objects"][0]["city"] == "\\N"


def test_a_file_again_changes_nothing(world):
    rows = device_rows(world, 1200)
    assert import_rows(world.server.data, "devices", rows) == (1200, 0, 0, 0)
    assert import_rows(world.server.data, "devices", rows) == (0, 0, 1200, 0)
    rows[700]["city"] = "Guangzhou"
    assert import_rows(world.server.data, "devices", rows) == (0, 1, 1199, 0)


def test_a_wrong_row_leaves_nothing_and_the_others_are_stored(world):
    key = world.product_key
    rows = device_rows(world, 1000)
    wrong = {17: ("mac", "a b", "mac: must be 1 to 64 printable characters without blanks"),
             400: ("product_key", hex_id(), "product_key: there is no such product"),
             401: ("did", "0OIl", "did: must be 22 characters without 0 O 1 I l"),
             707: ("created_at", "yesterday", "created_at: must be a time in Unix seconds"),
             999: ("longitude", 12, "latitude: longitude and latitude go together")}
    for index, (field, value, _) in wrong.items():
        rows[index][field] = value
    outcome = run_import(world.server.data, "devices", csv_text(rows))
    assert outcome.status == 2 and outcome.counts == (995, 0, 0, 5)
    assert outcome.refused == {index + 2: [why] for index, (_, _, why) in wrong.items()}
    assert search(world, limit=0)["meta"]["total"] == 995
    for index in wrong:
        assert world.get("devices", mac=f"mac{index}").status == 404
    assert key == rows[0]["product_key"]


def test_the_same_device_twice_in_a_file_is_refused_however_far_apart(world):
    rows = device_rows(world, 1500)
    rows += [{**rows[3], "city": "Guangzhou"}, {**rows[1499], "city": "Guangzhou"}]
    outcome = run_import(world.server.data, "devices", csv_text(rows))
    assert outcome.counts == (1500, 0, 0, 2)
    assert outcome.refused == {1502: ["an earlier line is about the same one"], 1503: ["an earlier line is about the same one"]}
    assert search(world, city="Guangzhou", limit=0)["meta"]["total"] == 0


# --- files ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("line,why", [
    (b"K,a b\n", "has 2 columns, the first line has 3"), (b"K,a,b,c\n", "has 4 columns, the first line has 3"),
    (b'K,a"b,c\n', "a quote is in a cell that does not begin with one"),
    (b'K,"a"b,c\n', "something follows the closing quote of a cell"),
    (b"K,a\x00b,c\n", "contains a NUL byte"), (b"K,a\xff,c\n", "mac: is not UTF-8"),
    (b"K,a\rb,c\n", "a carriage return is alone in a cell without quotes"),
    pytest.param(b"K,a," + b"x" * (2 << 20) + b"\n", "is longer than 1 MiB", id="long")])
def test_a_broken_line_of_csv_is_told_and_the_next_one_is_read(world, line, why):
    key = world.product_key.encode()
    text = b"\xef\xbb\xbfproduct_key,mac,passcode\r\n\r\n" + line.replace(b"K", key) + key + b',"next",p\r\n'
    outcome = run_import(world.server.data, "devices", text)
    assert (outcome.counts, outcome.refused) == ((1, 0, 0, 1), {3: [why]})
    assert world.get("devices", mac="next").status == 200


def test_a_quote_that_is_never_closed_is_told_where_its_row_begins(world):
    text = f'product_key,mac,passcode\n{world.product_key},good,p\n{world.product_key},"bad,p\n{world.product_key},more,p\n'
    outcome = run_import(world.server.data, "devices", text)
    assert (outcome.counts, outcome.refused) == ((1, 0, 0, 1), {3: ["a quote is not closed until the end of the file"]})


def test_lines_are_counted_through_cells_that_hold_line_ends(world):
    rows = [{"product_key": world.product_key, "mac": "m1", "passcode": "p", "device_sn": "a\nb\r\nc"},
            {"product_key": world.product_key, "mac": "m 2", "passcode": "p"}]
    assert list(run_import(world.server.data, "devices", csv_text(rows)).refused) == [5]


@pytest.mark.parametrize("text,why", [
    (b"", "the file is empty; its first line names the columns"), (b"mac,colour\n", "devices have no column 'colour'"),
    (b"mac,mac\n", "the column 'mac' is there twice"), (b"uid\n", "devices have no column 'uid'"),
    ("mac,did\n".encode("utf-16"), "the file is UTF-16, not UTF-8")])
def test_a_file_without_good_columns_is_refused_whole(world, text, why):
    outcome = run_import(world.server.data, "devices", text)
    assert (outcome.status, outcome.stdout, outcome.refused) == (2, "", {1: [why]})


@pytest.mark.parametrize("line,why", [
    ("nonsense", "not JSON:"), ("[1]", "must be an object"), ('{"mac": "a", "mac": "b"}', "not JSON: duplicate object key"),
    ('{"mac": "a", "created_at": 1\0}', "is not UTF-8"), ("\ufeff\ufeff{}", "not JSON:"), ('{"colour": 1}', "colour: unknown field"), ('{"mac": 7}', "mac: must be 1 to 64"), pytest.param("{" * 3000, "not JSON:", id="deep")])
def test_a_broken_line_of_ndjson_is_told_and_the_next_one_is_read(world, line, why):
    good = {"product_key": world.product_key, "mac": "next", "passcode": "p"}
    outcome = run_import(world.server.data, "devices", line + "\n\n" + ndjson_text([good]), "ndjson")
    assert outcome.counts == (1, 0, 0, 1) and list(outcome.refused) == [1]
    assert any(complaint.startswith(why) for complaint in outcome.refused[1]), outcome.refused


def test_what_a_row_names_stays_within_its_line_and_leaves_the_terminal_alone(world):
    outcome = run_import(world.server.data, "devices", '{"a\\nline 9: b\\u001b[31m": 1}\n{\x1b[31m\n', "ndjson")
    assert outcome.status == 2 and "\x1b" not in outcome.stderr
    assert "a?line 9: b?[31m: unknown field" in outcome.refused[1] and list(outcome.refused) == [1, 2]


@pytest.mark.parametrize("arguments,why", [
    (("devices", "file.txt"), "csv or ndjson?"), (("device", "file.csv"), "'device' is none of users, devices, groups, bindings"),
    (("devices", "missing.csv"), "cannot open missing.csv"), (("devices",), "")])
def test_a_wrong_command_line(shared_server, arguments, why):
    result = run("import", *arguments, "--data", shared_server.data)
    assert result.returncode == 2 and why in result.stderr


# --- many ---------------------------------------------------------------------------------------------------------------

def write_many(path, world, count):
    with open(path, "w", encoding="utf-8") as f:
        f.write("product_key,mac,did,passcode,created_at,activated_at,city\n")
        for i in range(count):
            f.write(f"{world.product_key},mac{i},{new_did()},pass{i},{1500000000 + i},{1500000100 + i},Guangzhou\n")


def test_many_devices_while_devices_and_callers_go_on(make_server, tmp_path):
    world = World(make_server("--device-messages", "0"))
    write_many(tmp_path / "many.csv", world, MANY)
    device = world.device()
    done = threading.Event()
    outcome = []

    def bring():
        outcome.append(run("import", "devices", "--data", world.server.data, tmp_path / "many.csv"))
        done.set()

    thread = threading.Thread(target=bring)
    thread.start()
    seen = set()
    while not done.is_set():
        device.report(REPORT, qos=1)
        seen.add(search(world, limit=1)["meta"]["total"])
        assert world.get("devices/summary").status == 200
        assert world.register()
    thread.join()
    assert outcome[0].returncode == 0, outcome[0].stderr
    assert outcome[0].stdout == f"devices: {MANY} created, 0 updated, 0 unchanged, 0 refused\n"
    assert outcome[0].stderr == "", "no progress bar where there is no terminal"
    assert len(seen) > 3, "nobody could ask while it went on"
    assert search(world, city="Guangzhou", limit=0)["meta"]["total"] == MANY
    assert world.get("devices/summary").json["total"] == MANY + 1
    again = run("import", "devices", "--data", world.server.data, tmp_path / "many.csv")
    assert again.stdout == f"devices: 0 created, 0 updated, {MANY} unchanged, 0 refused\n"


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("running", [True, False])
def test_an_import_that_was_broken_off_is_completed_by_another(make_server, tmp_path, end, running):
    world = World(make_server())
    write_many(tmp_path / "many.csv", world, 20_000)
    if not running:
        world.server.stop()
    content = (tmp_path / "many.csv").read_bytes()
    half = content.index(b"\n", len(content) // 2) - 20  # within a row
    process = subprocess.Popen(muster("import", "devices", "--data", world.server.data, "-", "--format", "csv"),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdin.buffer.write(content[:half])
    process.stdin.buffer.flush()
    time.sleep(0.2)
    process.send_signal(end)
    process.wait(ENOUGH_S)
    process.stdin.close()
    told = process.stdout.read()
    if end == signal.SIGINT:
        assert process.returncode == 1 and "interrupted" in process.stderr.read()
    process.stdout.close(), process.stderr.close()
    outcome = run("import", "devices", "--data", world.server.data, tmp_path / "many.csv")
    assert outcome.returncode == 0, (told, outcome.stderr)
    if not running:
        world.server.start()
    assert search(world, limit=0)["meta"]["total"] == 20_000
    assert world.get("devices/summary").json["total"] == 20_000


def test_a_server_that_dies_leaves_whole_rows_and_another_import_completes_them(make_server, tmp_path):
    world = World(make_server())
    write_many(tmp_path / "many.csv", world, 20_000)
    process = subprocess.Popen(muster("import", "devices", "--data", world.server.data, str(tmp_path / "many.csv")),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: search(world, limit=0)["meta"]["total"] > 1000, what="some devices")
    world.server.kill()
    told = process.communicate(timeout=ENOUGH_S)
    assert process.returncode in (0, 1), told  # 0: it went on with the directory at rest
    world.server.start()
    result = run("import", "devices", "--data", world.server.data, tmp_path / "many.csv")
    assert result.returncode == 0, result.stderr
    assert search(world, limit=0)["meta"]["total"] == world.get("devices/summary").json["total"] == 20_000


def test_a_terminal_shows_how_far_it_is(make_server, tmp_path):
    world = World(make_server())
    write_many(tmp_path / "many.csv", world, 60_000)  # several times as long as a bar is waited for
    master, terminal = os.openpty()
    shown = []

    def look():
        with open(master, "rb", closefd=False, buffering=0) as f:
            try:
                while data := f.read(4096):
                    shown.append(data.decode())
            except OSError:  # the other side has closed
                pass

    thread = threading.Thread(target=look)
    process = subprocess.Popen(muster("import", "devices", "--data", world.server.data, str(tmp_path / "many.csv")),
                               stdout=subprocess.DEVNULL, stderr=terminal)
    os.close(terminal)
    thread.start()
    assert process.wait(ENOUGH_S) == 0
    thread.join()
    os.close(master)
    text = "".join(shown)
    assert " devices  [#" in text and "%" in text, text[:1000]
    assert text.endswith("\r\x1b[K"), "the bar is taken away at the end"


# --- what devices did before ------------------------------------------------------------------------------------------------

def test_a_device_that_registers_again_keeps_its_imported_did(world):
    row = device_rows(world, 1)[0]
    import_rows(world.server.data, "devices", [row])
    world.configure_product(registration="known")
    status, _, body = device_request(world.server.http, "POST", "/dev/devices",
                                     f"passcode={row['passcode']}&mac={row['mac']}&product_key={world.product_key}")
    assert (status, body) == (201, f"did={row['did']}")


def test_an_earlier_activation_holds_and_a_later_one_never_does(world):
    row = device_rows(world, 1)[0]
    device = world.device(mac="mine")
    did = search(world, type="mac", val="mine")["objects"][0]["did"]
    device.report(REPORT, qos=1)
    today = world.get("devices/report/activation", start="2026-01-01", end="2026-01-10")
    assert today.status == 200
    first = {"did": did, "activated_at": 1700000000, "wifi_soft_version": "1.0"}
    later = {"did": did, "activated_at": 1700500000}
    for given, expected in ((later, "2023-11-21"), (first, "2023-11-15"), (later, "2023-11-15")):
        import_rows(world.server.data, "devices", [given], "ndjson")
        found = world.get("incr_devices", start="2023-11-01", end="2023-11-30").json["objects"]
        assert [r["report_date"] for r in found] == [expected]
    assert search(world, type="did", val=did)["objects"][0]["wifi_soft_version"] == "1.0"
    import_rows(world.server.data, "devices", [{"did": did, "wifi_soft_version": "0.9"}], "ndjson")
    assert search(world, type="did", val=did)["objects"][0]["wifi_soft_version"] == "1.0"
    assert row


def test_days_of_activity_are_reported_also_after_a_crash(make_server):
    world = World(make_server())
    row = {**device_rows(world, 1)[0], "activated_at": 1500000000, "active_days": "2026-10-01 2026-10-03..2026-10-05"}
    import_rows(world.server.data, "devices", [row])

    def days():
        found = world.get("active_devices", start="2026-09-20", end="2026-10-10").json["objects"]
        return [r["report_date"] for r in found]

    expected = ["2026-10-05", "2026-10-04", "2026-10-03", "2026-10-01"]
    assert days() == expected
    world.server.kill()
    world.server.start()
    assert days() == expected
    assert import_rows(world.server.data, "devices", [row]) == (0, 0, 1, 0)
    assert days() == expected


@pytest.mark.parametrize("field,value,why", [
    ("activated_at", 4000000000, "activated_at: lies in the future"), ("active_days", "2090-01-01", "active_days: lies in the future"),
    ("active_days", "2026-02-30", "active_days: must be days"), ("active_days", "2026-01-01..1999-01-01", "active_days: must be days"),
    ("active_days", "1980-01-01..2020-01-01", "active_days: must be days"), ("online_latest", "x", "online_latest: must be a time"),
    ("gid", "1" * 32, "gid: there is no such group")])
def test_a_past_that_cannot_be_is_refused_with_its_device(world, field, value, why):
    outcome = run_import(world.server.data, "devices", csv_text([{**device_rows(world, 1)[0], field: value}]))
    assert outcome.counts == (0, 0, 0, 1) and outcome.refused[2][0].startswith(why)
    assert search(world, limit=0)["meta"]["total"] == 0


# --- groups -----------------------------------------------------------------------------------------------------------------

def test_groups_and_the_devices_in_them(world):
    root, child = hex_id(), hex_id()
    groups = [{"gid": root, "product_key": world.product_key},
              {"gid": child, "product_key": world.product_key, "parent_gid": root}]
    assert import_rows(world.server.data, "groups", groups) == (2, 0, 0, 0)
    assert import_rows(world.server.data, "groups", groups) == (0, 0, 2, 0)
    assert world.get("device_groups").json == {root: {child: ""}}
    rows = device_rows(world, 3, gid=child)
    import_rows(world.server.data, "devices", rows)
    assert search(world, gid=root, limit=0)["meta"]["total"] == 3
    import_rows(world.server.data, "devices", [{**rows[0], "gid": None}])
    assert search(world, gid=child, limit=0)["meta"]["total"] == 2


def test_another_registration_of_a_mac_moves_with_it(world):
    root, child = hex_id(), hex_id()
    import_rows(world.server.data, "groups", [{"gid": root, "product_key": world.product_key},
                                              {"gid": child, "product_key": world.product_key, "parent_gid": root}])
    rows = [{**row, "mac": "same"} for row in device_rows(world, 2)]
    rows[0]["is_disabled"] = True
    import_rows(world.server.data, "devices", [{**rows[0], "gid": root}, rows[1]])
    assert search(world, gid=root, show_disabled=1, limit=0)["meta"]["total"] == 2
    import_rows(world.server.data, "devices", [{**rows[1], "gid": child}])
    assert search(world, gid=child, show_disabled=1, limit=0)["meta"]["total"] == 2


def test_wrong_groups(world):
    foreign = World(world.server)
    root, other = hex_id(), hex_id()
    import_rows(world.server.data, "groups", [{"gid": root, "product_key": world.product_key},
                                              {"gid": other, "product_key": foreign.product_key}])
    rows = [{"gid": hex_id(), "product_key": world.product_key},
            {"gid": hex_id(), "product_key": world.product_key, "parent_gid": hex_id()},
            {"gid": hex_id(), "product_key": world.product_key, "parent_gid": other},
            {"gid": other, "product_key": world.product_key},
            {"gid": root, "product_key": world.product_key, "parent_gid": root},
            {"product_key": world.product_key}, {"gid": hex_id()}]
    outcome = run_import(world.server.data, "groups", csv_text(rows))
    assert {line: whys[0] for line, whys in outcome.refused.items()} == {
        2: f"parent_gid: missing; the product's root is {root}", 3: "parent_gid: there is no such group",
        4: "parent_gid: it is a group of another product", 5: "product_key: it is a group of another product",
        6: "parent_gid: it is the group itself, or below it", 7: "gid: missing", 8: "product_key: missing"}
    assert world.get("device_groups").json == {root: ""}


# --- bindings -----------------------------------------------------------------------------------------------------------------

def test_bindings_with_their_times_and_owner(people):
    other = hex_id()
    import_rows(people.server.data, "users", [{"uid": other, "appid": people.appid}])
    rows = [{"uid": people.uid, "appid": people.appid, "did": people.did, "since": 1600000000, "until": 1610000000},
            {"uid": people.uid, "appid": people.appid, "did": people.did, "since": 1620000000, "is_owner": False},
            {"uid": other, "appid": people.appid, "product_key": people.product_key, "mac": "bound", "since": 1630000000,
             "is_owner": True}]
    assert import_rows(people.server.data, "bindings", rows) == (3, 0, 0, 0)
    assert import_rows(people.server.data, "bindings", rows) == (0, 0, 3, 0)
    found = people.get("users/search", type="did", val=people.did).json["objects"]
    assert {user["uid"]: user["is_owner"] for user in found} == {people.uid: False, other: True}
    report = people.get("users/report/new", start="2020-09-13", end="2020-09-14").json["data"]
    assert sum(row["count"] for row in report) == 1
    assert people.get("users/report/total").json["total"] == 2


def owners(world, did):
    return {user["uid"] for user in world.get("users/search", type="did", val=did).json["objects"] if user["is_owner"]}


@pytest.mark.parametrize("words,owner", [
    ((None, None, None), 0), ((False, False, False), 0), ((False, False, True), 2), ((None, True, None), 1), ((True, None, False), 0)])
def test_a_device_has_the_owner_that_the_file_names_else_its_first_user(people, words, owner):
    uids = [people.uid, hex_id(), hex_id()]
    import_rows(people.server.data, "users", [{"uid": uid, "appid": people.appid} for uid in uids[1:]])
    rows = [{"uid": uid, "did": people.did, "since": 1600000000, **({} if word is None else {"is_owner": word})}
            for uid, word in zip(uids, words)]
    assert import_rows(people.server.data, "bindings", rows) == (3, 0, 0, 0)
    assert owners(people, people.did) == {uids[owner]}
    assert import_rows(people.server.data, "bindings", rows) == (0, 0, 3, 0)
    people.call("DELETE", "devices/bindings", {"uid": uids[owner], "appid": people.appid, "dids": [people.did]})
    assert import_rows(people.server.data, "bindings", rows) == (0, 0, 3, 0)
    assert len(owners(people, people.did)) == 1 and owners(people, people.did) != {uids[owner]}


@pytest.mark.parametrize("order", ["at once", "one by one"])
@pytest.mark.parametrize("rows,owner", [
    (((3,), (1,), (2,)), 1), (((3,), (2,), (1,)), 2), (((1,), (1,), (1,)), 0), (((3,), (1, False), (4,)), 0),
    (((0,), (3, True), (2,)), 1), (((2, False), (3, True), (1, False)), 1)])
def test_the_first_by_since_owns_a_device_in_whatever_order_they_come_unless_another_is_named(people, rows, owner, order):
    uids = [people.uid, hex_id(), hex_id()]
    import_rows(people.server.data, "users", [{"uid": uid, "appid": people.appid} for uid in uids[1:]])
    rows = [{"uid": uid, "did": people.did, "since": 1600000000 + since, **({"is_owner": word[0]} if word else {})}
            for uid, (since, *word) in zip(uids, rows)]
    for part in [rows] if order == "at once" else [[row] for row in rows]:
        import_rows(people.server.data, "bindings", part)
    assert owners(people, people.did) == {uids[owner]}
    assert import_rows(people.server.data, "bindings", rows) == (0, 0, 3, 0)
    assert owners(people, people.did) == {uids[owner]}


def test_an_owner_whom_the_file_names_stays_also_for_one_who_came_earlier(people):
    other = hex_id()
    import_rows(people.server.data, "users", [{"uid": other, "appid": people.appid}])
    import_rows(people.server.data, "bindings", [{"uid": people.uid, "did": people.did, "since": 1600000009, "is_owner": True},
                                                 {"uid": other, "did": people.did, "since": 1600000000}])
    assert owners(people, people.did) == {people.uid}


def test_a_file_that_names_two_owners_is_told_so(people):
    other = hex_id()
    import_rows(people.server.data, "users", [{"uid": other, "appid": people.appid}])
    rows = [{"uid": uid, "did": people.did, "since": 1600000000, "is_owner": True} for uid in (people.uid, other)]
    for _ in range(2):
        outcome = run_import(people.server.data, "bindings", csv_text(rows))
        assert outcome.refused == {3: [f"is_owner: an earlier line says that user {people.uid} owns the device"]}
        assert owners(people, people.did) == {people.uid}


def test_what_was_imported_is_consistent(make_server):
    world = World(make_server())
    appid, uids = hex_id(), [hex_id() for _ in range(3)]
    world.server.apply({"apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}]})
    root = hex_id()
    import_rows(world.server.data, "users", [{"uid": uid, "appid": appid} for uid in uids])
    import_rows(world.server.data, "groups", [{"gid": root, "product_key": world.product_key}])
    devices = device_rows(world, 50, gid=root, activated_at=1600000000, active_days="2026-10-01..2026-10-05")
    import_rows(world.server.data, "devices", devices)
    import_rows(world.server.data, "bindings", [
        {"uid": uids[i % 3], "did": device["did"], "since": 1600000000 + k, "until": 1600000000 + k if i % 2 else "",
         "is_owner": False, "first_bound": 1590000000} for i, device in enumerate(devices) for k in range(0, 2 - i % 2)
        if k == 0 or i % 2])
    world.server.stop()
    checked = run("check", "--data", world.server.data)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_binding_that_ended_here_is_not_opened_again(people):
    row = {"uid": people.uid, "did": people.did, "since": 1600000000}
    import_rows(people.server.data, "bindings", [row])
    body = {"uid": people.uid, "appid": people.appid, "dids": [people.did]}
    assert people.call("DELETE", "devices/bindings", body).status == 200
    assert import_rows(people.server.data, "bindings", [row]) == (0, 0, 1, 0)
    assert people.get("users/search", limit=0).json["meta"]["total"] == 0


def test_an_end_that_is_learnt_later_ends_the_binding(people):
    row = {"uid": people.uid, "did": people.did, "since": 1600000000}
    import_rows(people.server.data, "bindings", [row])
    assert import_rows(people.server.data, "bindings", [{**row, "until": 1610000000}]) == (0, 1, 0, 0)
    assert people.get("users/search", limit=0).json["meta"]["total"] == 0


def test_the_first_binding_of_a_user_without_a_device_left(people):
    row = {"uid": people.uid, "product_key": people.product_key, "first_bound": 1600000000}
    assert import_rows(people.server.data, "bindings", [row]) == (1, 0, 0, 0)
    assert import_rows(people.server.data, "bindings", [row]) == (0, 0, 1, 0)
    assert people.get("users/report/total").json["total"] == 1
    assert people.get("users/search", limit=0).json["meta"]["total"] == 0


def test_wrong_bindings(people):
    other = hex_id()
    import_rows(people.server.data, "users", [{"uid": other, "appid": people.appid}])
    import_rows(people.server.data, "bindings", [{"uid": people.uid, "did": people.did, "since": 1600000000}])
    good = {"uid": other, "did": people.did, "since": 1600000000}
    rows = {"since: missing": {"since": ""}, "since: lies in the future": {"since": 4000000000},
            "until: is before since": {"until": 1500000000}, "did: there is no such device": {"did": new_did()},
            "uid: there is no such user": {"uid": hex_id()}, "appid: there is no such app": {"appid": hex_id()},
            "since: the two have been bound since 1600000000": {"uid": people.uid, "since": 1500000000},
            "first_bound: is after since": {"first_bound": 1650000000}, "did: missing; or product_key and mac": {"did": ""}}
    outcome = run_import(people.server.data, "bindings", csv_text([{**good, **changed} for changed in rows.values()]))
    assert [whys[0] for whys in outcome.refused.values()] == list(rows)
    assert people.get("users/search", limit=0).json["meta"]["total"] == 1


# --- random files against a model -----------------------------------------------------------------------------------------------

def test_random_rows_leave_what_a_model_says(world):
    chance = random.Random(7)
    dids, stored = [new_did() for _ in range(40)], {}
    for _ in range(12):
        rows, expected = [], dict(stored)
        for did in chance.sample(dids, 20):
            row = {"product_key": world.product_key, "mac": f"mac{dids.index(did)}", "did": did, "passcode": "p"}
            if chance.random() < 0.7:
                row["city"] = chance.choice(["Guangzhou", "Shenzhen", "", None])
            if chance.random() < 0.2:
                row["created_at"] = "x"
            rows.append(row)
            if row.get("created_at") != "x":
                city = row.get("city", "")
                expected[did] = stored.get(did) if city == "" else city
        outcome = run_import(world.server.data, "devices", csv_text(rows))
        assert outcome.counts[3] == sum("created_at" in row for row in rows)
        stored = expected
        assert {d["did"]: d["city"] for d in search(world, limit=100)["objects"]} == stored
