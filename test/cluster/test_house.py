"""What is done once for all nodes, and what is removed of devices that are deleted."""

from cluster import connect
from server import run, wait_until
from world import status_report


def count(cluster, table, where, *values):
    return cluster.sql(f"SELECT count(*) FROM journal.{table} WHERE {where}", *values)[0][0]


def test_the_first_node_folds_finished_days_of_all_nodes(make_cluster):
    cluster = make_cluster(nodes=2)
    worlds = cluster.world()
    for world in worlds:
        device = connect(world, world.register())
        device.report(status_report(faults=0), qos=1)
        device.close()
    for node in cluster.nodes:
        assert node.stop() == 0
    # They were active yesterday, too.
    assert cluster.sql("INSERT INTO journal.activity (device, day) SELECT device, day - 1 FROM journal.activity RETURNING day")[1:]
    for node in cluster.nodes:
        node.start()
    wait_until(lambda: count(cluster, "activity", "true") == 2, what="a folded day")
    assert count(cluster, "activity_day", "true") == 1
    for world in worlds:
        assert world.get("devices/report/liveness").json["latest_1"] == 2
    cluster.nodes[1].restart()
    assert worlds[1].get("devices/report/liveness").json["latest_1"] == 2


def test_nothing_of_a_deleted_device_stays(shared_cluster):
    worlds = shared_cluster.world()
    device = connect(worlds[0], worlds[0].register())
    device.report(status_report(faults=1), qos=1)
    number = shared_cluster.sql("SELECT no FROM registry.device WHERE did = %s", device.did)[0][0]
    assert [count(shared_cluster, table, "device = %s", number) for table in ("state", "event")] == [1, 1]
    done = run("delete", "--data", shared_cluster.nodes[1].data, "device", device.did)
    assert done.returncode == 0, done.stderr
    device.expect_closed()
    wait_until(lambda: all(count(shared_cluster, table, "device = %s", number) == 0
                           for table in ("state", "versions", "event", "turn", "past")), what="an empty journal")


def old_starts(cluster):
    return count(cluster, "boot", "over < clock_timestamp() - interval '1 day'")


def test_old_starts_go_but_not_one_that_says_when_a_crash_ended_a_session(make_cluster):
    cluster = make_cluster(nodes=2)
    worlds = cluster.world()
    device = connect(worlds[1], worlds[1].register())

    def moment():  # the last sign of life of the second node
        return cluster.sql("SELECT coalesce(moment, 0) FROM journal.boot ORDER BY number DESC LIMIT 1")[0][0]

    began = moment()
    wait_until(lambda: moment() > began + 2000000, what="signs of life after the login")
    cluster.nodes[1].kill()
    wait_until(lambda: cluster.living() == 1, what="the end of the node that was killed")
    log = worlds[0].online_log_once_ended(device.did)
    assert log[0]["timestamp"] > log[1]["timestamp"] + 1

    assert cluster.nodes[0].stop() == 0
    cluster.sql("UPDATE journal.boot SET over = over - interval '2 days'")
    cluster.sql("INSERT INTO journal.boot (number, over) SELECT last + i, clock_timestamp() - interval '2 days' "
                "FROM (SELECT max(number) AS last FROM journal.boot) AS b, generate_series(1, 100) AS i")
    cluster.nodes[0].start()
    wait_until(lambda: old_starts(cluster) == 1, what="few old starts")
    cluster.nodes[0].restart()
    assert worlds[0].get(f"devices/{device.did}/online").json["objects"] == log
    cluster.nodes[1].start()
    again = connect(worlds[1], (device.did, device.passcode))
    assert worlds[1].get(f"devices/{device.did}/online").json["objects"][1:] == log
    again.close()
