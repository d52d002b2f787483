"""What a product's new definition means for devices that are known already."""

from world import World, definition, status_report


def test_the_flags_follow_the_definition_in_force_even_if_the_bytes_stay_the_same(shared_server):
    """The same status image, whose alert is a fault from now on."""
    world = World(shared_server)
    device = world.device(level=4)

    def flags():
        row, = world.get("devices/search").json["objects"]
        return row["is_alert"], row["is_faulty"]

    device.report(status_report(alerts=1), qos=1)
    assert flags() == (True, False)

    redefined = definition("air-conditioner", world.product_key)
    attrs = [a for a in redefined["entities"][0]["attrs"] if a["type"] not in ("alert", "fault")]
    attrs += [{"id": len(attrs) + i, "name": f"fault_{i}", "display_name": f"fault {i}", "desc": "", "type": "fault",
               "data_type": "bool", "position": {"byte_offset": 5, "bit_offset": i, "len": 1, "unit": "bit"}}
              for i in range(9)]
    redefined["entities"][0]["attrs"] = attrs
    redefined.pop("ui", None)
    world.configure_product(datapoint=redefined)
    device.report(status_report(alerts=1), qos=1)
    assert world.get(f"devices/{device.did}/data", limit=1).json["objects"][0]["attrs"]["fault_8"] == 1
    assert flags() == (False, True)
