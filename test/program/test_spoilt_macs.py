"""Macs as spreadsheets and people write them: muster import and muster apply."""

import json

import pytest

from bulk import import_rows, run_import
from server import run
from world import World, hex_id

ROUNDED = "a spreadsheet has rounded it (such as 8.69E+14); let the column be text there, and fill it in again"
FORMULA = 'it is a spreadsheet\'s formula (="..."); write its text alone, and let the column be text'
MARKED = "it begins with the apostrophe by which spreadsheets mark a text; leave that out"
SPOILT = [("8.69E+14", ROUNDED), ("1.22E+11", ROUNDED), ('="001122334455"', FORMULA), ("'001122334455", MARKED)]


def device(world, mac, **fields):
    return {"product_key": world.product_key, "mac": mac, "passcode": "p", **fields}


def macs(world):
    return {found["mac"] for found in world.get("devices/search", limit=100).json["objects"]}


def apply(world, *devices, options=()):
    return run("apply", "--data", world.server.data, *options, "-", input=json.dumps({"devices": devices}))


@pytest.mark.parametrize("mac,why", SPOILT)
def test_a_mac_that_a_spreadsheet_spoilt_is_refused_with_the_reason(world, mac, why):
    quoted = mac.replace('"', '""')
    text = f'product_key,mac,passcode\n{world.product_key},"{quoted}",p\n{world.product_key},accf2350d446,p\n'
    outcome = run_import(world.server.data, "devices", text)
    assert (outcome.status, outcome.counts, outcome.refused) == (2, (1, 0, 0, 1), {2: [f"mac: {why}"]})
    done = apply(world, device(world, mac))
    assert done.returncode == 2 and f"devices[0].mac: {why}" in done.stderr
    assert macs(world) == {"accf2350d446"}


def test_a_formula_without_quotes_around_it_is_refused_as_one(world):
    text = f'product_key,mac,passcode\n{world.product_key},="001122334455",p\n{world.product_key},accf2350d446,p\n'
    outcome = run_import(world.server.data, "devices", text)
    assert outcome.counts == (1, 0, 0, 1) and "a spreadsheet's formula" in outcome.refused[2][0]


@pytest.mark.parametrize("kind,row,field", [
    ("devices", {"device_sn": "8.69E+14", "mac": "m1", "passcode": "p"}, "device_sn"),
    ("devices", {"mac": "m1", "passcode": "1.23E+05"}, "passcode"),
    ("devices", {"mac": "m1", "passcode": "p", "did": "1.23E+21"}, "did"),
    ("devices", {"mac": "m1", "passcode": "p", "mcu_soft_version": "4.03E+06"}, "mcu_soft_version"),
    ("users", {"phone": "1.35E+10"}, "phone"), ("users", {"username": "1.35E+10"}, "username"),
    ("users", {"uid": "1.35E+31"}, "uid"), ("groups", {"gid": "1.35E+31"}, "gid")])
def test_other_columns_that_a_spreadsheet_rounds_are_refused_too(world, kind, row, field):
    appid = hex_id()
    world.server.apply({"apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}]})
    row = {**({"uid": hex_id(), "appid": appid} if kind == "users" else {"product_key": world.product_key}), **row}
    outcome = run_import(world.server.data, kind, ",".join(row) + "\n" + ",".join(row.values()) + "\n")
    assert (outcome.status, outcome.refused) == (2, {2: [f"{field}: {ROUNDED}"]})


def warning(world, count, example, plain):
    return (f"warning: product {world.product_key}: {count} mac{'s' * (count > 1)} with capitals or separators (such as "
            f"{example}) beside lower-case ones of the product: a device that registers as {plain} will be another one; "
            "if it is the same, delete these and take them again with --mac lower\n")


@pytest.mark.parametrize("first", [True, False])
def test_macs_beside_lower_case_ones_are_taken_and_told_with_their_count(world, first):
    """Also where the lower-case ones come more than a batch later."""
    odd = [device(world, "AA:BB:CC:DD:EE:15"), device(world, "AABBCCDDEE16")]
    others = [device(world, f"aabbccdd{i:04x}") for i in range(600)]
    rows = odd + others if first else others + odd
    text = "product_key,mac,passcode\n" + "".join(f"{r['product_key']},{r['mac']},p\n" for r in rows)
    outcome = run_import(world.server.data, "devices", text)
    assert (outcome.status, outcome.counts) == (0, (602, 0, 0, 0))
    assert outcome.stderr == "muster import: -: " + warning(world, 2, "AA:BB:CC:DD:EE:15", "aabbccddee15")
    assert {"AA:BB:CC:DD:EE:15", "AABBCCDDEE16"} <= {
        found["mac"] for found in world.get("devices/search", limit=1000).json["objects"]}


def test_a_product_whose_macs_are_all_alike_is_not_warned_of(world):
    import_rows(world.server.data, "devices", [device(world, "AABBCCDDEE16"), device(world, "AABBCCDDEE17"),
                                               device(world, "virtual:Site"), device(world, "861234567890123")])
    outcome = run_import(world.server.data, "devices", f"product_key,mac,passcode\n{world.product_key},AABBCCDDEE18,p\n")
    assert (outcome.status, outcome.stderr) == (0, "")


def test_lower_takes_macs_as_modules_write_them(world, tmp_path):
    given = ["AA:BB:CC:DD:EE:15", "AABBCCDDEE16", "aa-bb-cc-dd-ee-17", "aabb.ccdd.ee18", "Virtual:Site", "861234567890123"]
    file = tmp_path / "devices.csv"
    file.write_text("product_key,mac,passcode\n" + "".join(f"{world.product_key},{mac},p\n" for mac in given))
    expected = {"aabbccddee15", "aabbccddee16", "aabbccddee17", "aabbccddee18", "Virtual:Site", "861234567890123"}
    for counts in ("6 created, 0 updated, 0 unchanged", "0 created, 0 updated, 6 unchanged"):
        done = run("import", "devices", "--data", world.server.data, "--mac", "lower", file)
        assert (done.stdout, done.stderr) == (f"devices: {counts}, 0 refused\n", "")
        assert macs(world) == expected
    file.write_text("\n".join(json.dumps({"product_key": world.product_key, "mac": mac}) for mac in given))
    done = apply(world, *(device(world, mac) for mac in given), options=("--mac", "lower"))
    assert "devices: 0 created, 0 updated, 6 unchanged" in done.stdout and macs(world) == expected


def test_bindings_find_devices_by_a_mac_that_is_made_lower(world):
    appid, uid = hex_id(), hex_id()
    world.server.apply({"apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}],
                        "users": [{"uid": uid, "appid": appid}], "devices": [device(world, "aabbccddee15")]})
    row = f"uid,product_key,mac,since\n{uid},{world.product_key},AA:BB:CC:DD:EE:15,1505793600\n"
    assert run_import(world.server.data, "bindings", row).refused == {2: ["mac: the product has no such device"]}
    done = run("import", "bindings", "--data", world.server.data, "-", "--format", "csv", "--mac", "lower", input=row)
    assert done.stdout == "bindings: 1 created, 0 updated, 0 unchanged, 0 refused\n", done.stderr


def test_apply_warns_too(world):
    done = apply(world, device(world, "AABBCCDDEE16"), device(world, "aabbccddee17"))
    assert done.returncode == 0 and done.stdout.endswith("\n" + warning(world, 1, "AABBCCDDEE16", "aabbccddee16"))


def test_a_directory_at_rest_is_warned_of_as_well(make_server):
    server = make_server()
    world = World(server)
    server.stop()
    text = f"product_key,mac,passcode\n{world.product_key},AABBCCDDEE16,p\n{world.product_key},aabbccddee17,p\n"
    assert run_import(server.data, "devices", text).stderr.endswith(warning(world, 1, "AABBCCDDEE16", "aabbccddee16"))
    assert run("import", "devices", "--data", server.data, "--mac", "upper", "x.csv").returncode == 2


@pytest.mark.parametrize("value,why", [("1.51E+09", "; a spreadsheet may have rounded it"), ("2017/12/13", ", not a date"),
                                       ("2017-12-13 10:30", ", not a date"), ("soon", "")])
def test_a_time_that_is_none_is_refused_with_what_it_looks_like(world, value, why):
    text = f"product_key,mac,passcode,created_at\n{world.product_key},m1,p,{value}\n"
    assert run_import(world.server.data, "devices", text).refused == {2: ["created_at: must be a time in Unix seconds" + why]}
