"""muster apply: what it says for programs, files of other programs, and a file that is applied twice."""

import json
import subprocess

import pytest

from server import muster, run
from world import hex_id


def apply(data, content, *options):
    return run("apply", "--data", data, *options, "-", input=json.dumps(content, ensure_ascii=False))


def test_json_tells_what_was_made(tmp_path):
    key = hex_id()
    content = {"enterprises": [{"name": "我的"}], "products": [{"product_key": key, "name": "P"}],
               "devices": [{"product_key": key, "mac": "m1"}]}
    done = apply(tmp_path / "data", content, "--create", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    made = {"created": 1, "updated": 0, "unchanged": 0}
    none = {"created": 0, "updated": 0, "unchanged": 0}
    assert {name: told[name] for name in told if name != "generated"} == {
        "enterprises": made, "products": made, "associations": {"added": 0, "removed": 0}, "apps": none, "users": none,
        "devices": made, "warnings": []}
    generated = {(g["kind"], g["field"]): g for g in told["generated"]}
    assert set(generated) == {("enterprise", "enterprise_id"), ("enterprise", "enterprise_secret"),
                              ("product", "product_secret"), ("device", "did"), ("device", "passcode")}
    assert generated["enterprise", "enterprise_secret"]["id"] == generated["enterprise", "enterprise_id"]["value"]
    assert generated["product", "product_secret"]["id"] == key
    assert generated["device", "passcode"]["id"] == generated["device", "did"]["value"]
    assert "made a new data directory" in done.stderr
    again = json.loads(apply(tmp_path / "data", {"products": content["products"]}, "--json").stdout)
    assert again["generated"] == [] and again["products"] == {"created": 0, "updated": 0, "unchanged": 1}


def test_a_mistake_is_told_the_same_way_with_json(world):
    done = apply(world.server.data, {"devices": [{"mac": "m"}]}, "--json")
    assert (done.returncode, done.stdout) == (2, "") and "devices[0].product_key: missing" in done.stderr


@pytest.mark.parametrize("name", ["Mine", "空调"])
def test_what_has_no_id_is_made_once(world, name):
    name += hex_id()
    content = {"enterprises": [{"name": name}], "products": [{"name": name}]}
    first = json.loads(apply(world.server.data, content, "--json").stdout)["generated"]
    ids = [g["value"] for g in first if g["field"] in ("enterprise_id", "product_key")]
    done = apply(world.server.data, content)
    assert (done.returncode, done.stdout) == (2, "") and all(id in done.stderr for id in ids) and len(ids) == 2


def test_the_mark_of_utf8_is_taken(world):
    key = hex_id()
    text = "\ufeff" + json.dumps({"products": [{"product_key": key, "name": "P"}]})
    done = run("apply", "--data", world.server.data, "-", input=text)
    assert done.returncode == 0 and "products: 1 created" in done.stdout, done.stderr


@pytest.mark.parametrize("encoding,name", [("gbk", "GB18030"), ("cp1252", "WINDOWS-1252"), ("utf-16", "UTF-16"),
                                           ("utf-16-le", "UTF-16LE")])
def test_a_file_that_is_not_utf8_is_told_with_the_command_that_helps(world, tmp_path, encoding, name):
    file, key = tmp_path / "products.json", hex_id()
    named = "Küche" if encoding == "cp1252" else "空调"
    file.write_bytes(json.dumps({"products": [{"product_key": key, "name": named}]}, ensure_ascii=False).encode(encoding))
    done = run("apply", "--data", world.server.data, file)
    assert done.returncode == 2 and f"iconv -f {name} -t UTF-8 {file} > NEW" in done.stderr, done.stderr
    new = subprocess.run(["iconv", "-f", name, "-t", "UTF-8", file], capture_output=True, check=True).stdout
    done = subprocess.run(muster("apply", "--data", world.server.data, "-"), input=new, capture_output=True)
    assert done.returncode == 0, done.stderr
