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
