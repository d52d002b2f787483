"""The database goes away under load, and comes back: nobody is over because of that, and no acknowledgement was false."""

import contextlib
import random
import threading
import time

import psycopg2
import pytest

from cluster import LEASE_S, check_agreement, check_recount, connect, lives, request, size, wait_for_online
from load import Load
from proxy import Proxy
from server import wait_until
from world import status_report

DEVICES = size(8, 30)


def finish(cluster, worlds, load):
    """Ends the load; everything that was acknowledged is there, and no node has been over."""
    load.stop()
    assert all(lives(node) for node in cluster.nodes), [node.log_text()[-2000:] for node in cluster.nodes]
    assert cluster.sql("SELECT count(*) FROM journal.boot WHERE over IS NOT NULL") == [(0,)]
    wait_for_online(worlds, 0)
    check_agreement(worlds)
    for world in worlds:
        load.check(world)
    check_recount(cluster, worlds)


def health(node):
    return request(node.http, "GET", "/healthz").status


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_database_that_ends_and_starts_under_load(cluster, end):
    worlds = cluster.world()
    load = Load(worlds, DEVICES, database_fails=True)
    for _ in range(size(3, 20)):
        load.wait_for_more(3)
        getattr(cluster.postgres, end)()
        time.sleep(0.3)
        cluster.postgres.start()
        load.wait_for_more(3)
    finish(cluster, worlds, load)


def test_a_database_that_is_away_for_longer_than_a_lease_makes_nobody_over(cluster):
    worlds = cluster.world()
    load = Load(worlds, DEVICES, database_fails=True)
    load.wait_for_more(3)
    cluster.postgres.stop()
    gone = time.monotonic()
    for node in cluster.nodes:
        wait_until(lambda: health(node) == 503, what="503")  # noqa: B023
    load.wait_for_rest()
    time.sleep(max(0, size(LEASE_S + 3, 60) - (time.monotonic() - gone)))
    cluster.postgres.start()
    load.wait_for_more(3)
    for node in cluster.nodes:
        wait_until(lambda: health(node) == 200, what="200")  # noqa: B023
    finish(cluster, worlds, load)


def test_a_table_that_somebody_locks_for_longer_than_a_lease_makes_nobody_over(cluster):
    """A CREATE INDEX does so: everybody reads, and nobody writes."""
    worlds = cluster.world()
    load = Load(worlds, DEVICES, database_fails=True)
    load.wait_for_more(3)
    with contextlib.closing(psycopg2.connect(cluster.uri)) as outsider, outsider, outsider.cursor() as cursor:
        cursor.execute("LOCK TABLE journal.state IN SHARE MODE")
        wait_until(lambda: any(health(node) == 503 for node in cluster.nodes), what="503")
        time.sleep(LEASE_S + 3)
    load.wait_for_more(3)
    finish(cluster, worlds, load)


def test_while_somebody_writes_the_registry_only_other_writes_wait(cluster):
    """A node may stand still in the middle of it."""
    worlds = cluster.world()
    registered, written = [world.register() for world in worlds], []
    with contextlib.closing(psycopg2.connect(cluster.uri)) as outsider, outsider, outsider.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('muster.registry'))")
        writing = [threading.Thread(target=lambda world=world: written.append(world.register())) for world in worlds]
        for thread in writing:
            thread.start()
        wait_until(lambda: cluster.sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(3,)], what="writers that wait")
        for n, each in enumerate(registered):
            device = connect(worlds[n], each)
            device.report(status_report(), qos=1)
            wait_for_online(worlds, 1)
            assert worlds[n - 1].control(device.did, raw=[1]).status == 200
            assert worlds[n - 2].get(f"devices/{device.did}/data").json["meta"]["total"] == 1
            device.disconnect()
            wait_for_online(worlds, 0)
        assert not written
    for thread in writing:
        thread.join()
    assert len(set(written)) == 3


def test_a_node_that_is_told_to_end_does_not_wait_for_the_outcome_of_a_commit(make_cluster):
    proxies = []

    def through_proxy(cluster, _number):
        proxies.append(Proxy(cluster.postgres.directory))
        return proxies[-1].uri("muster")

    cluster = make_cluster(nodes=1, uris=through_proxy)
    node, proxy = cluster.nodes[0], proxies[0]
    proxy.path = "/nowhere"  # for connections from now on
    proxy.cuts.extend(["before"] * 100)  # whatever commits next
    wait_until(lambda: health(node) == 503, what="a commit that waits")
    node.process.terminate()
    assert node.process.wait(120) == 1  # and not five minutes
    assert "journal_outcome_unknown" in node.log_text()
    cluster.nodes.clear()
    proxy.close()


def test_connections_that_break_at_a_commit(make_cluster):
    proxies = []

    def through_proxy(cluster, number):
        proxies.append(Proxy(cluster.postgres.directory))
        return proxies[-1].uri("muster")

    cluster = make_cluster(uris=through_proxy)
    worlds = cluster.world()
    load = Load(worlds, DEVICES, database_fails=True)
    chance = random.Random(5)
    load.wait_for_more(3)
    for n in range(size(12, 200)):
        proxy = chance.choice(proxies)
        proxy.cuts.append(("before", "after")[n % 2])
        time.sleep(chance.uniform(0, 0.2))
        wait_until(lambda: not proxy.cuts, what="the cut")  # noqa: B023
    load.wait_for_more(3)
    # Whoever wants the database alone sees that nodes use it.
    wait_until(lambda: cluster.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'") == [(3,)],
               what="the locks of all nodes")
    logs = "".join(node.log_text() for node in cluster.nodes)
    assert "journal_outcome_found committed=yes" in logs and "journal_outcome_found committed=no" in logs
    finish(cluster, worlds, load)
    for proxy in proxies:
        proxy.close()
