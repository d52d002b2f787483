"""The machine of the database dies, and its synchronous standby takes its place."""

from cluster import check_agreement, check_recount, lives, size, wait_for_online
from load import Load
from postgres import Standby


def test_nodes_go_on_with_the_standby_and_nothing_acknowledged_is_lost(make_cluster):
    def either(cluster, number):
        if not number:
            cluster.databases.append(Standby(cluster.postgres))
            cluster.databases[1].start()
        return f"{cluster.uri},{cluster.databases[1].directory}"

    cluster = make_cluster(uris=either)
    worlds = cluster.world()
    load = Load(worlds, size(8, 30), database_fails=True)
    load.wait_for_more(10)
    cluster.postgres.kill()
    cluster.postgres = cluster.databases[1]
    load.wait_for_rest()  # a standby takes nothing
    cluster.postgres.promote()
    load.wait_for_more(10)
    load.stop()
    assert all(map(lives, cluster.nodes))
    wait_for_online(worlds, 0)
    check_agreement(worlds)
    for world in worlds:
        load.check(world)
    assert cluster.sql("SELECT count(*) FROM journal.boot WHERE over IS NOT NULL") == [(0,)]
    check_recount(cluster, worlds)
