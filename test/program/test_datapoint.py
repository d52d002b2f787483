"""GET datapoint: the definition as imported, in the document's shape, with a ui that phones can show."""

import json

import pytest

from server import run
from world import World, definition, hex_id

DEFINITIONS = ["air-conditioner", "doser", "heater", "pet-feeder", "ph-meter", "plug", "power-meter", "wavemaker"]


@pytest.fixture(scope="module")
def answers(shared_server):
    return {name: World(shared_server, datapoint=name).get("datapoint").json for name in DEFINITIONS}


def attrs_of(content):
    return {attr["name"]: attr for attr in content["entities"][0]["attrs"]}


def elements_of(content):
    return {element["key"].split(".", 1)[1]: element for section in content["ui"]["sections"]
            for element in section["elements"]}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_shape_is_the_documents(answers, name):
    content = answers[name]
    assert set(content) == {"name", "entities", "protocolType", "product_key", "packetVersion", "ui"}
    assert content["packetVersion"] == "0x00000004"
    assert content["protocolType"] == ("var_len" if name == "heater" else "standard")
    entity, = content["entities"]
    assert set(entity) == {"id", "display_name", "attrs", "name"}
    assert (entity["id"], entity["name"]) == (0, "entity0")
    for attr in entity["attrs"]:
        kind = {"enum"} if attr["data_type"] == "enum" else {"uint_spec"} if attr["data_type"].startswith("uint") else set()
        assert set(attr) == {"id", "name", "display_name", "desc", "type", "data_type", "position"} | kind
        assert set(attr["position"]) == {"bit_offset", "len", "unit", "byte_offset"}
        assert attr["type"] in ("status_writable", "status_readonly", "alert", "fault")
        assert set(attr.get("uint_spec", {})) in (set(), {"min", "max", "ratio", "addition"})
    assert set(content["ui"]) == {"object", "sections"}
    assert content["ui"]["object"] == {"version": 4, "showEditButton": False}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_point_is_answered_as_it_was_imported(answers, name):
    imported = attrs_of(definition(name, "x"))
    answered = attrs_of(answers[name])
    assert list(answered) == list(imported)
    for point, attr in imported.items():
        assert {key: answered[point][key] for key in attr} == attr


def test_what_an_imported_definition_left_out_is_filled_in(world):
    world.configure_product(name="Meter", datapoint={"protocolType": "var_len", "entities": [{"attrs": [
        {"id": 0, "name": "watts", "type": "status_writable", "data_type": "uint16", "desc": None, "uint_spec": {"max": 9},
         "position": {"len": 2, "unit": "byte"}},
        {"id": 1, "name": "volts", "type": "status_readonly", "data_type": "uint8", "display_name": "V",
         "position": {"len": 1, "unit": "byte"}}]}]})
    position = {"byte_offset": 0, "bit_offset": 0, "unit": "byte"}
    entity, = world.get("datapoint").json["entities"]
    assert entity == {"id": 0, "name": "entity0", "display_name": "Meter", "attrs": [
        {"id": 0, "name": "watts", "display_name": "watts", "desc": "", "type": "status_writable", "data_type": "uint16",
         "uint_spec": {"min": 0, "max": 9, "ratio": 1, "addition": 0}, "position": {**position, "len": 2}},
        {"id": 1, "name": "volts", "display_name": "V", "desc": "", "type": "status_readonly", "data_type": "uint8",
         "uint_spec": {"min": 0, "max": 255, "ratio": 1, "addition": 0}, "position": {**position, "len": 1}}]}


@pytest.mark.parametrize("name", ["Renamed", "\"quoted\\", "空调"])
def test_the_name_is_that_of_the_product_now(world, name):
    before = world.get("datapoint").json
    world.configure_product(name=name)
    assert world.get("datapoint").json == {**before, "name": name}
    world.configure_product(name="Again")
    assert world.get("datapoint").json == {**before, "name": "Again"}


def test_the_product_key_is_the_products(world):
    assert world.get("datapoint").json["product_key"] == world.product_key


# --- the ui, derived --------------------------------------------------------------------------------

@pytest.mark.parametrize("name", DEFINITIONS)
def test_alerts_and_faults_never_occur_in_the_ui(answers, name):
    shown = [attr["name"] for attr in answers[name]["entities"][0]["attrs"] if attr["type"].startswith("status")]
    assert sorted(elements_of(answers[name])) == sorted(shown)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_kind_of_point_has_its_element(answers, name):
    attrs = attrs_of(answers[name])
    for point, element in elements_of(answers[name]).items():
        attr = attrs[point]
        writable = attr["type"] == "status_writable"
        number = "QFloatElement" if writable else "QLabelElement"
        assert element["type"] == {"bool": "QBooleanElement", "enum": "QRadioElement",
                                   "binary": "QMultilineElement"}.get(attr["data_type"], number)
        assert element["title"] == attr.get("display_name", point)
        assert element["object"]["action"] == "entity0"
        assert element["object"]["bind"] == [f"entity0.{point}"]
        assert element["object"]["perm"] == ("W" if writable else "N")


def test_a_derived_bool_is_the_documents_example(answers):
    assert elements_of(answers["air-conditioner"])["switch"] == {
        "boolValue": False, "object": {"action": "entity0", "bind": ["entity0.switch"], "perm": "W"},
        "type": "QBooleanElement", "key": "entity0.switch", "title": "开关"}


def test_a_derived_enum_lists_its_values(answers):
    assert elements_of(answers["air-conditioner"])["mode"]["items"] == ["制冷", "制热", "除湿", "送风", "自动"]


def test_a_derived_number_is_bounded_in_scaled_units(answers):
    element = elements_of(answers["power-meter"])["zero"]
    assert (element["minimumValue"], element["maximumValue"]) == (-250.5, 249.5)
    assert element["object"]["uint_spec"] == {"min": -250.5, "max": 249.5, "step": 0.25}
    assert (element["bind"], element["value"]) == ("floatValue:float", 0)


def test_a_derived_binary_takes_two_characters_a_byte(answers):
    assert elements_of(answers["power-meter"])["key"]["maxLength"] == 32


def test_an_imported_ui_is_answered_as_it_is(answers):
    assert answers["doser"]["ui"] == definition("doser", "x")["ui"]


# --- changes ------------------------------------------------------------------------------------------

def test_a_product_without_a_definition_is_5402(shared_server):
    assert World(shared_server, datapoint=None).get("datapoint").error == (404, 5402)


def test_a_new_definition_is_answered_at_once(world):
    world.configure_product("--force", datapoint=definition("plug", world.product_key))
    assert list(attrs_of(world.get("datapoint").json)) == ["on"]


def test_a_cleared_definition_is_5402(world):
    world.configure_product(datapoint=None)
    assert world.get("datapoint").error == (404, 5402)


def test_an_absent_definition_stays_as_it_was(world):
    before = world.get("datapoint").json
    world.configure_product(remote_control=False)
    assert world.get("datapoint").json == before


def test_a_definition_survives_a_kill(make_server):
    server = make_server()
    world = World(server)
    before = world.get("datapoint").json
    server.kill()
    server.start()
    assert world.get("datapoint").json == before


def broken(change):
    content = definition("air-conditioner", hex_id())
    change(content["entities"][0]["attrs"])
    return content


@pytest.mark.parametrize("point,change", [
    ("mode", lambda attrs: attrs[2].update(enum=["one"] * 9)),                       # more than three bits can say
    ("fan_swing", lambda attrs: attrs[1]["position"].update(bit_offset=0)),          # overlaps the switch
    ("on_timing", lambda attrs: attrs[4].update(data_type="int8")),
    ("set_temp", lambda attrs: attrs[6]["uint_spec"].update(min=40)),
    ("room_temp", lambda attrs: attrs[7]["uint_spec"].update(max=256)),
    ("fan_speed", lambda attrs: attrs[3].pop("enum")),
    ("alert_full", lambda attrs: attrs[8].update(type="status")),
    ("switch", lambda attrs: attrs[1].update(name="switch")),
    ("off_timing", lambda attrs: attrs[5]["position"].update(byte_offset=70000)),
])
def test_a_faulty_definition_is_refused_and_names_the_point(shared_server, point, change):
    content = broken(change)
    done = run("apply", "--data", shared_server.data, "-",
               input=json.dumps({"products": [{"product_key": content["product_key"], "name": "P", "datapoint": content}]}))
    assert done.returncode == 2 and f"'{point}'" in done.stderr
