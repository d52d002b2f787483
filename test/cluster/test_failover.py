"""The machine of the database dies, and its synchronous standby takes its place; or the standby dies."""

import time

from cluster import LEASE_S, check_agreement, check_recount, lives, size, wait_for_online
from load import Load
from postgres import Standby
from server import wait_until
from world import request


def with_standby(cluster, number):
    """For make_cluster: the database has a synchronous standby, and the nodes know both."""
    if not number:
        cluster.databases.append(Standby(cluster.postgres))
        cluster.databases[1].start()
    return f"{cluster.uri},{cluster.databases[1].directory}"


def finish(cluster, worlds, load):
    load.stop()
    assert all(map(lives, cluster.nodes))
    wait_for_online(worlds, 0)
    check_agreement(worlds)
    for world in worlds:
        load.check(world)
    assert cluster.sql("SELECT count(*) FROM journal.boot WHERE over IS NOT NULL") == [(0,)]
    check_recount(cluster, worlds)


def test_nodes_go_on_with_the_standby_and_nothing_acknowledged_is_lost(make_cluster):
    cluster = make_cluster(uris=with_standby)
    worlds = cluster.world()
    load = Load(worlds, size(8, 30), database_fails=True)
    load.wait_for_more(10)
    cluster.postgres.kill()
    cluster.postgres = cluster.databases[1]
    load.wait_for_rest()  # a standby takes nothing
    cluster.postgres.promote()
    load.wait_for_more(10)
    finish(cluster, worlds, load)


def test_while_the_standby_is_away_nothing_is_acknowledged_and_no_node_is_over(make_cluster):
    cluster = make_cluster(uris=with_standby)
    worlds = cluster.world()
    load = Load(worlds, size(8, 30), database_fails=True)
    load.wait_for_more(10)
    cluster.databases[1].kill()
    for node in cluster.nodes:
        wait_until(lambda: request(node.http, "GET", "/healthz").status == 503, what="503")  # noqa: B023
    load.wait_for_rest()
    time.sleep(LEASE_S + 3)
    cluster.databases[1].start()
    load.wait_for_more(10)
    finish(cluster, worlds, load)
