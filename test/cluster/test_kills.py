"""Nodes that are killed in the middle of everything."""

import random
import threading
import time

from cluster import (LEASE_S, SOON_S, check_agreement, check_recount, check_sessions, connect, login_somewhere, rows,
                     search, size, wait_for_online)
from load import Load
from mqtt import Device
from server import wait_until
from world import status_report

ROUNDS = size(5, 50)
DEVICES = size(12, 40)


def test_nothing_acknowledged_is_lost_when_nodes_are_killed(cluster):
    worlds = cluster.world()
    load = Load(worlds, DEVICES, pause=size(0, 0.03))  # else the checks of a long run would read millions of reports
    chance = random.Random(4)
    for n in range(ROUNDS):
        load.wait_for_more(3)
        time.sleep(chance.uniform(0, 0.5))
        node = chance.choice(cluster.nodes)
        node.kill()
        if n % 5 == 2:  # it stays away for longer than its lease
            wait_until(lambda: cluster.living() == 2, LEASE_S + SOON_S, what="the end of its lease")
            load.wait_for_more(3)
        time.sleep(chance.choice((0, 0, 1)))
        node.start()
        load.wait_for_more(3)
    load.stop()
    wait_for_online(worlds, 0)
    check_agreement(worlds)
    for world in worlds:
        load.check(world)
    assert load.controller.said and load.writer.written > ROUNDS and sum(load.acknowledged()) > ROUNDS * DEVICES
    check_recount(cluster, worlds)


def test_the_devices_of_a_node_that_stays_away_are_offline_after_its_lease(cluster):
    worlds = cluster.world()
    stay_away = [connect(worlds[0], worlds[0].register()) for _ in range(5)]
    come_back = [connect(worlds[0], worlds[0].register()) for _ in range(5)]
    elsewhere = [connect(worlds[1], worlds[0].register()) for _ in range(5)]
    for device in (*stay_away, *come_back, *elsewhere):
        device.report(status_report(faults=1), qos=1)
    check_agreement(worlds)
    cluster.nodes[0].kill()
    killed, moved = time.monotonic(), []

    def move():
        moved.extend(login_somewhere(worlds[1:], (device.did, device.passcode), n)[0] for n, device in enumerate(come_back))

    moving = threading.Thread(target=move)
    moving.start()
    gone = {device.did for device in stay_away}
    wait_until(lambda: all(not gone & {row["did"] for row in search(world, is_online=1)} for world in worlds[1:]),
               LEASE_S + SOON_S, what="the end of the dead node's sessions")
    assert time.monotonic() - killed > LEASE_S / 2, "their node might have come back"
    moving.join()
    wait_for_online(worlds[1:], 10, what="the devices that came back")
    for device in (*moved, *elsewhere):
        device.report(status_report(faults=0), qos=1)
    check_agreement(worlds[1:])
    for world in worlds[1:]:
        for device in stay_away:
            log = check_sessions(world, device.did, online=False)
            assert [row["payload"].get("reason") for row in log] == [None, "offline_exception"]
        for device in come_back:
            log = check_sessions(world, device.did, online=True)
            assert [row["payload"].get("reason") for row in log] == [None, "offline_exception", None]
            assert len(rows(world, device.did, "data")) == 2
    cluster.nodes[0].start()
    check_recount(cluster, worlds)
    for device in stay_away:
        connect(worlds[0], (device.did, device.passcode))


def test_a_device_of_a_killed_node_comes_back_at_once_when_the_node_does(cluster):
    worlds = cluster.world()
    device = connect(worlds[0], worlds[0].register())
    cluster.nodes[0].kill()
    cluster.nodes[0].start()
    assert cluster.living() == 3, "it waits for its own lease"
    again = Device(worlds[1].server.mqtt, device.did, device.passcode, device.product_key, 4).login()
    again.disconnect()


def test_a_login_waits_until_a_killed_node_is_over_and_then_succeeds(cluster):
    worlds = cluster.world()
    device = connect(worlds[0], worlds[0].register())
    cluster.nodes[0].kill()
    again = Device(worlds[1].server.mqtt, device.did, device.passcode, device.product_key, 4)
    assert again.connect() == 0  # the only CONNECT
    log = check_sessions(worlds[1], device.did, online=True)
    assert [row["payload"].get("reason") for row in log] == [None, "offline_exception", None]
    again.disconnect()
