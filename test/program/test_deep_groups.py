"""Chains of groups: how deep they may be, and that an older directory with a deeper one still works, in time that
grows with the number of its groups."""

import os
import resource

import pytest

from bulk import csv_text, import_rows, run_import
from server import PATIENCE, run
from world import World, hex_id

LEVELS = 1000
DEEP = 60000


def chain(world, length):
    """Rows of groups, each below the one before it."""
    gids = [hex_id() for _ in range(length)]
    return [{"gid": gid, "product_key": world.product_key, **({"parent_gid": above} if above else {})}
            for above, gid in zip([None, *gids], gids)]


def test_a_group_below_the_deepest_level_is_5002(world):
    rows = chain(world, LEVELS)
    assert import_rows(world.server.data, "groups", rows) == (LEVELS, 0, 0, 0)
    for name in ("parent_gid", "parent"):
        answer = world.call("POST", "device_groups", {name: rows[-1]["gid"]})
        assert answer.error == (400, 5002)
        assert answer.json["detail_message"] == f"{name}: is on level 1000, the deepest level that is allowed"
    assert world.call("POST", "device_groups", {"parent_gid": rows[-2]["gid"]}).status == 201


def test_rows_of_an_import_that_would_be_deeper_are_refused(world):
    rows = chain(world, LEVELS + 1)
    outcome = run_import(world.server.data, "groups", csv_text(rows))
    assert outcome.refused == {LEVELS + 2: ["parent_gid: there would be more than 1000 levels of groups"]}
    assert outcome.counts == (LEVELS, 0, 0, 1)


def test_a_group_that_would_take_others_too_deep_is_not_moved(world):
    rows = chain(world, LEVELS - 1)
    branch = {"gid": hex_id(), "product_key": world.product_key, "parent_gid": rows[0]["gid"]}
    leaf = {"gid": hex_id(), "product_key": world.product_key, "parent_gid": branch["gid"]}
    import_rows(world.server.data, "groups", [*rows, branch, leaf])
    outcome = run_import(world.server.data, "groups", csv_text([{**branch, "parent_gid": rows[-1]["gid"]}]))
    assert outcome.refused == {2: ["parent_gid: there would be more than 1000 levels of groups"]}
    assert import_rows(world.server.data, "groups", [{**branch, "parent_gid": rows[-2]["gid"]}]) == (0, 1, 0, 0)


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        words = f.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def processor_seconds_of_ended():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.embedded("no database is as old")
def test_an_older_directory_with_a_deeper_chain_is_started_and_checked_in_linear_time(make_server):
    """Of processor time, which another load does not change much. The square of 60,000 took 13 s to start, 50 to check."""
    server = make_server()
    world = World(server)
    gids = [hex_id() for _ in range(DEEP)]
    world.register("deep")
    server.stop()
    with server.registry() as db:
        (product,) = db.execute("SELECT no FROM product WHERE product_key = ?", [world.product_key]).fetchone()
        db.executemany("INSERT INTO device_group (no, product, parent, gid) VALUES (?, ?, ?, ?)",
                       ((no, product, no - 1 or None, gid) for no, gid in enumerate(gids, 1)))
        db.execute("UPDATE device SET device_group = ? WHERE mac = 'deep'", [DEEP])
    server.start()
    assert processor_seconds(server.process.pid) < 5 * PATIENCE
    assert world.get("device_groups").body.count(b"{") == DEEP
    assert world.get("devices/search", gid=gids[0]).json["meta"]["total"] == 1
    assert world.call("POST", "device_groups", {"parent_gid": gids[-1]}).error == (400, 5002)
    assert world.call("POST", "device_groups", {"parent_gid": gids[1]}).status == 201
    assert world.call("PUT", f"device_groups/{gids[-1]}", {"action": "unassign", "macs": ["deep"]}).json["success"] == ["deep"]
    assert world.get("devices/search", gid=gids[0]).json["meta"]["total"] == 0
    server.stop()
    before = processor_seconds_of_ended()
    checked = run("check", "--data", server.data)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert processor_seconds_of_ended() - before < 10 * PATIENCE
