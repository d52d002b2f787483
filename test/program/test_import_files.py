"""What muster import makes of files as spreadsheets and others write them."""

import subprocess

import pytest

from bulk import run_import
from server import muster, run


def import_lines(world, lines, end="\n", **keywords):
    """A file of these lines, in which K stands for the product's key."""
    text = end.join([*lines, ""]).replace("K", world.product_key)
    return run_import(world.server.data, "devices", text, **keywords)


def macs(world):
    return {device["mac"] for device in world.get("devices/search", limit=100).json["objects"]}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_first_line_tells_what_separates_columns(world, separator):
    outcome = import_lines(world, [separator.join(line) for line in (
        ("product_key", "mac", "passcode", "city"), ("K", "m1", "p", "a b"),
        ("K", "m2", "p", '"a%sb"' % separator))])
    assert (outcome.status, outcome.counts) == (0, (2, 0, 0, 0)), outcome.stderr
    assert f"a{separator}b" in {device["city"] for device in world.get("devices/search").json["objects"]}


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "\ufeffsep=;"])
def test_a_first_line_may_say_what_separates_columns(world, first):
    outcome = import_lines(world, [first, "product_key;mac;passcode", "K;m,1;p", "K;a b;p"], end="\r\n")
    assert outcome.counts == (1, 0, 0, 1) and list(outcome.refused) == [4], outcome.stderr
    assert macs(world) == {"m,1"}


@pytest.mark.parametrize("lines", [
    ["product_key,mac,passcode,,", "K,m1,p,,", ",,,,", "", "K,m2,p,,"],
    [",,,,", "product_key,mac,passcode", ",,", "K,m1,p", "K,m2,p,,,,"],
    ["product_key;mac;passcode" + 100 * ";", "K;m1;p" + 100 * ";", 102 * ";", "K;m2;p"]])
def test_rows_and_trailing_columns_of_nothing_but_separators_are_nothing(world, lines):
    outcome = import_lines(world, lines)
    assert (outcome.status, outcome.counts) == (0, (2, 0, 0, 0)), outcome.stderr
    assert macs(world) == {"m1", "m2"}


@pytest.mark.parametrize("lines,why", [
    (["product_key,mac,passcode,,", "K,m1,p,,x"], {2: ["has 5 columns, the first line has 3"]}),
    (["product_key,,mac", "K,,m1"], {1: ["column 2 has no name, and others follow it"]}),
    (["product_key;colour", "K;red"], {1: ["devices have no column 'colour' (columns are separated by ';' here)"]}),
    (["product_key\tcolour", "K\tred"], {1: ["devices have no column 'colour' (columns are separated by tabs here)"]}),
    (["product_key^mac^passcode^did^city^country^region^latitude^longitude"],
     {1: ["devices have no column 'product_key^mac^passcode^did^city^country^region^latitude^lo...'"]}),
    (["sep=a", "productakey"], {1: ["what follows sep= is not a separator"]}),
    (["sep=é", "mac"], {1: ["what follows sep= is not a separator"]}),
    (["sep=", "mac"], {1: ["what follows sep= is not a separator"]}),
    (["mac,城市"], {1: ["devices have no column '城市'"]})])
def test_what_does_not_fit_is_told_with_what_was_found(world, lines, why):
    outcome = import_lines(world, lines)
    assert (outcome.status, outcome.refused) == (2, why)


@pytest.mark.parametrize("encoding,name,format", [
    ("gbk", "GB18030", "csv"), ("gb18030", "GB18030", "ndjson"), ("cp1252", "WINDOWS-1252", "csv"),
    ("utf-16", "UTF-16", "csv"), ("utf-16-le", "UTF-16LE", "csv"), ("utf-16-be", "UTF-16BE", "ndjson")])
def test_a_file_that_is_not_utf8_is_told_with_its_encoding_and_the_command_that_helps(world, tmp_path, encoding, name, format):
    city = "München" if encoding == "cp1252" else "广州市"
    text = (f"product_key,mac,passcode,city\n{world.product_key},m1,p,{city}\n" if format == "csv" else
            f'{{"product_key": "{world.product_key}", "mac": "m1", "passcode": "p", "city": "{city}"}}\n')
    file = tmp_path / f"devices.{format}"
    file.write_bytes(text.encode(encoding))
    done = run("import", "devices", "--data", world.server.data, file)
    assert done.returncode == 2 and f"looks like {name};" in done.stderr, done.stderr
    command = done.stderr.strip().splitlines()[-1].partition("makes UTF-8 of it: ")[2]
    assert command == f"iconv -f {name} -t UTF-8 {file} > NEW"
    new = tmp_path / f"new.{format}"
    subprocess.run(command.replace("NEW", str(new)), shell=True, check=True)
    assert run("import", "devices", "--data", world.server.data, new).returncode == 0
    assert world.get("devices/search").json["objects"][0]["city"] == city


@pytest.mark.parametrize("name", ["D.CSV", "d.Csv", "D.NDJSON", "d.jsonl"])
def test_a_files_name_tells_its_format_in_any_case(world, tmp_path, name):
    file = tmp_path / name
    file.write_text(f"product_key,mac,passcode\n{world.product_key},m1,p\n" if "sv" in name.lower() else
                    f'{{"product_key": "{world.product_key}", "mac": "m1", "passcode": "p"}}\n')
    done = run("import", "devices", "--data", world.server.data, file)
    assert (done.returncode, done.stdout) == (0, "devices: 1 created, 0 updated, 0 unchanged, 0 refused\n"), done.stderr


def test_a_mark_that_comes_in_single_bytes_is_still_one(world):
    process = subprocess.Popen(muster("import", "devices", "--data", world.server.data, "-", "--format", "csv"),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for byte in f"\ufeffproduct_key,mac,passcode\n{world.product_key},m1,p\n".encode():
        process.stdin.write(bytes([byte]))
        process.stdin.flush()
    assert process.communicate()[0] == b"devices: 1 created, 0 updated, 0 unchanged, 0 refused\n"
