"""Devices whose power is cut: nothing says so, and yet it is found."""

import time

from mqtt import Device
from neighbour import neighbour  # noqa: F401
from server import ENOUGH_S, wait_until
from world import World


def test_a_device_without_power_is_found_in_two_minutes(make_server, neighbour):  # noqa: F811
    """Though it has no keepalive: by what is written to it, and by probes where nothing is."""
    world = World(make_server("--mqtt", f"{neighbour.here}:0"))
    registered = [world.register() for _ in range(3)]
    with neighbour.at_work():
        devices = [Device(world.server.mqtt, *names, world.product_key, level=4).login(keepalive=keepalive)
                   for names, keepalive in zip(registered, (0, 0, 600))]
        for device in devices:
            device.subscribe_as_firmware()
    written, quiet, promised = (device.did for device in devices)
    time.sleep(1)  # until each has acknowledged its last SUBACK
    neighbour.lose_power()
    assert world.control(written, raw=[1]).status == 200
    for did in (written, quiet):
        end = wait_until(lambda: next((r for r in world.get(f"devices/{did}/online").json["objects"]  # noqa: B023
                                       if r["type"] == "dev_offline"), None), seconds=2 * ENOUGH_S, what="its end")
        assert end["payload"]["reason"] == "tcp_closed"
        assert end["payload"]["duration"] < 120
    assert world.get("devices/search", is_online=1).json["objects"][0]["did"] == promised, "its keepalive will tell"
