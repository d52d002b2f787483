"""A node that takes long to build its index."""

import contextlib
import threading
import time

import psycopg2

from cluster import LEASE_S, at, check_agreement, connect, lives
from server import ENOUGH_S, wait_until


def test_a_start_that_takes_longer_than_a_lease_goes_on_and_nobody_waits_for_it(cluster):
    worlds = cluster.world()
    with contextlib.closing(psycopg2.connect(cluster.uri)) as holding:
        holding.cursor().execute("LOCK TABLE journal.versions IN ACCESS EXCLUSIVE MODE")  # which a start reads
        starting = threading.Thread(target=cluster.add)
        starting.start()
        wait_until(lambda: cluster.sql("SELECT count(*) FROM journal.boot") == [(4,)], what="a fourth start")
        end = time.monotonic() + LEASE_S + 3
        while time.monotonic() < end:
            before = time.monotonic()
            worlds[0].register()
            assert time.monotonic() - before < LEASE_S / 2, "a write waits for the node that starts"
            time.sleep(0.2)
    starting.join(ENOUGH_S)
    assert cluster.sql("SELECT count(*) FROM journal.boot WHERE over IS NOT NULL") == [(0,)]
    late = at(worlds[0], cluster.nodes[3])
    device = connect(late, worlds[1].register())
    check_agreement([*worlds, late])
    assert all(lives(node) for node in cluster.nodes)
    device.close()
