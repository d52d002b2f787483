"""docs/definitions.md against a server: its frames, its controls, and what it says that apply refuses."""

import copy
import json
import re
from pathlib import Path

import pytest

from server import run
from world import World

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/definitions.md").read_text(encoding="utf-8")
EXAMPLE = json.loads((ROOT / "examples/my-products.json").read_text(encoding="utf-8"))
DEFINITION = EXAMPLE["products"][0]["datapoint"]


def section(heading):
    return re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#)", PAGE, re.M | re.S)[1]


def tables_of_bytes(text):
    """The first column of each table of bytes, put together."""
    return [bytes.fromhex("".join(re.findall(r"^\| `([0-9a-f ]+)` \|", table, re.M)))
            for table in re.findall(r"^\| bytes \| what \|\n(?:\|.*\n)+", text, re.M)]


def json_of(text):
    return json.loads(re.search(r"```json\n(.*?)```", text, re.S)[1])


REPORT, = tables_of_bytes(section("A report, byte by byte"))
CONTROL, = tables_of_bytes(section("A control, byte by byte"))
VARIABLE_REPORT, VARIABLE_CONTROL = tables_of_bytes(section("Variable length: a report has what has changed"))
SHOWN = json_of(section("A report, byte by byte"))
ATTRS = json_of(section("A control, byte by byte"))["attrs"]


def heater(server, **changed):
    """(world, device) of a product like the example."""
    world = World(server, datapoint=None)
    world.configure_product(datapoint={**DEFINITION, **changed})
    return world, world.device(level=4)


def shown(world, device):
    return world.get(f"devices/{device.did}/data", limit=1).json["objects"][0]["attrs"]


def test_the_report_of_the_page_shows_as_the_page_says(shared_server):
    world, device = heater(shared_server)
    device.report(REPORT, qos=1)
    assert shown(world, device) == SHOWN


def test_the_control_of_the_page_goes_out_as_the_page_says(shared_server):
    world, device = heater(shared_server)
    device.report(REPORT, qos=1)
    assert world.control(device.did, attrs=ATTRS).status == 200
    assert device.receive_publish()[1] == CONTROL


def test_with_variable_length_they_are_as_the_page_says(shared_server):
    world, device = heater(shared_server, protocolType="var_len")
    device.report(VARIABLE_REPORT, qos=1)
    assert shown(world, device) == {"set_temp": 21.5, "alert_window": 1}
    assert world.control(device.did, attrs=ATTRS).status == 200
    assert device.receive_publish()[1] == VARIABLE_CONTROL


def test_the_page_puts_each_datapoint_where_the_example_has_it():
    rows = re.findall(r"^\| (\d+)(?:–(\d+))? \| (`.*`.*?) \|", section("Fixed length: every report has everything"), re.M)
    told = {}
    for first, last, names in rows:
        for name, bits in re.findall(r"`(\w+)`(?: \((.*?)\))?", names):
            numbers = [int(n) for n in re.findall(r"\d+", bits)]
            told[name] = ((int(first), numbers[0], len(numbers), "bit") if bits else
                          (int(first), 0, int(last or first) - int(first) + 1, "byte"))
    assert told == {attr["name"]: tuple(attr["position"][key] for key in ("byte_offset", "bit_offset", "len", "unit"))
                    for attr in DEFINITION["entities"][0]["attrs"]}


# What is wrong, as the page names it: how to make it of the example's attrs.
MISTAKES = {
    "a fifth value in an enum of 2 bits": lambda a: a[1].update(enum=list("abcde")),
    "a uint16 of 4 bytes": lambda a: a[3]["position"].update(len=4),
    "a bool that is counted in bytes": lambda a: a[0]["position"].update(unit="byte"),
    "two datapoints at one place": lambda a: a[3]["position"].update(byte_offset=1),
    "a read-only one among the writable ones": lambda a: a[6]["position"].update(byte_offset=2),
    "bits that do not start where their group does": lambda a: a[8]["position"].update(byte_offset=14),
    "an id twice": lambda a: a[4].update(id=3),
    "a name twice": lambda a: a[4].update(name="mode"),
    "a gap in the ids": lambda a: a[10].update(id=11),
    "bounds that do not fit the type": lambda a: a[2]["uint_spec"].update(max=300),
    "a ratio of 0": lambda a: a[2]["uint_spec"].update(ratio=0),
    "an alert that is a number": lambda a: a[8].update(data_type="uint8"),
    "a signed type": lambda a: a[2].update(data_type="int8"),
}
REFUSALS = dict(re.findall(r"^\| ([^|`]+) \| `(datapoint .+)` \|$", section("What apply refuses"), re.M))


@pytest.mark.parametrize("mistake", sorted(MISTAKES.keys() | REFUSALS.keys()))
def test_apply_refuses_a_mistake_in_the_words_of_the_page(shared_server, mistake):
    content = copy.deepcopy(EXAMPLE)
    MISTAKES[mistake](content["products"][0]["datapoint"]["entities"][0]["attrs"])
    result = run("apply", "--data", shared_server.data, "-", input=json.dumps(content))
    assert result.returncode == 2
    assert result.stderr == f"muster apply: -: products[0].datapoint: {REFUSALS[mistake]}\n"


def test_a_device_that_the_definition_does_not_fit_is_told_of_in_the_words_of_the_page(shared_server):
    world, device = heater(shared_server)
    device.report(bytes.fromhex("00000003 10 00 0091 04 03 2b 005a 4b495443 01 0255 00"), qos=1)
    said = run("device", "--data", shared_server.data, device.did).stdout
    assert re.search(r'"(\d+ bytes, the definition wants \d+)"', PAGE)[1] in said, said
