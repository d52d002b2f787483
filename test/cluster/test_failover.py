"""The machine of the database dies, and its synchronous standby takes its place."""

import time

from cluster import check_agreement, check_recount, lives, size
from load import Load
from postgres import Standby
from server import wait_until


def test_nodes_go_on_with_the_standby_and_nothing_acknowledged_is_lost(make_cluster):
    standbys = []

    def either(postgres, number):
        if not standbys:
            standbys.append(Standby(postgres).start())
        return f"{postgres.uri('muster')},{standbys[0].directory}"

    cluster = make_cluster(uris=either)
    worlds = cluster.world()
    load = Load(worlds, size(8, 30))
    load.wait_for_more(10)
    cluster.databases += standbys
    cluster.postgres.kill()
    cluster.postgres, = standbys
    time.sleep(0.5)
    before = load.acknowledged()
    time.sleep(0.5)
    assert load.acknowledged() == before, "acknowledged by a standby"
    cluster.postgres.promote()
    load.wait_for_more(10)
    load.stop()
    assert all(map(lives, cluster.nodes))
    wait_until(lambda: all(world.get("devices/search", is_online=1).json["meta"]["total"] == 0 for world in worlds),
               what="all ends")
    check_agreement(worlds)
    for world in worlds:
        load.check(world)
    assert cluster.sql("SELECT count(*) FROM journal.boot WHERE over IS NOT NULL") == [(0,)]
    check_recount(cluster, worlds)
