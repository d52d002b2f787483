"""Names say their room (docs/architecture.md): what a folder of src exports begins with the folder's name, with
that of one of its headers, or with a prefix below, and no other folder's names begin so. And a tag, or a constant
of a header, means one thing in the whole tree.

names.py ROOT NM LIBRARY…     a library lies in build/src/FOLDER
"""
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

# Prefixes that are neither the folder's name nor a header's.
MORE = {
    "base": "mu_err json str base64 hex url utf8 decimal",
    "model": "plan did passcode ip bucket heartbeat end_reason",
    "net": "net timer",
    "registry": "tx device_type",
    "sql": "db col feed reader schema sqlite write_queue pages",
    "transfer": "registration",
    "journal": "rocks postgres expiry",
    "fleet": "catalog day_set",
    "access": "dev mqtt topic refusal",
    "api": "chapter period report",
    "ops": "setting",
}
# A room that keeps another room's port exports the functions of that port.
KEEPS = {"sql": "registry"}
# What a test puts in the place of a port has the port's tags.
PORTS = {"registry"}

root, nm, libraries = Path(sys.argv[1]), sys.argv[2], [Path(p) for p in sys.argv[3:]]
wrong = []


def exported(library):
    said = subprocess.run([nm, "-g", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    return {name for name in re.findall(r" [A-TV-Z] (\w+)$", said, re.M) if not name.startswith("_")}


def prefixes(room):
    stems = {re.sub("_(private|internal)$", "", path.stem) for path in (root / "src" / room).glob("*.h")}
    return {room, *stems, *MORE.get(room, "").split()}


rooms_of = defaultdict(set)
for library in libraries:
    room = library.parent.name
    known = prefixes(room)
    for name in exported(library):
        if room in KEEPS and any(name.startswith(p + "_") for p in prefixes(KEEPS[room])):
            continue
        said = [p for p in known if name == p or name.startswith(p + "_")]
        if said:
            rooms_of[max(said, key=len)].add(room)
        else:
            wrong.append(f"src/{room} exports {name}, which begins with no prefix of that folder")
for prefix, rooms in rooms_of.items():
    if len(rooms) > 1:
        wrong.append(f"{prefix}_ is a prefix of {' and of '.join(sorted(rooms))}")

tags, constants = defaultdict(list), defaultdict(list)
for path in sorted([*root.glob("src/**/*.[ch]"), *root.glob("bench/*.[ch]"), *root.glob("test/fuzz/*.[ch]")]):
    text = re.sub(r'"(\\.|[^"\\\n])*"|/\*.*?\*/', "", path.read_text(), flags=re.S)
    text = re.sub(r"^#(.*\\\n)*.*$", "", text, flags=re.M)
    for tag in re.findall(r"\b(?:struct|union|enum)\s+(\w+)\s*\{", text):
        tags[tag].append(path)
    for body in re.findall(r"\benum(?:\s+\w+)?\s*\{([^}]*)\}", text):
        for constant in re.findall(r"(?:^|,)\s*(\w+)", body):
            constants[constant].append(path)
for tag, paths in tags.items():
    if len(paths) > 1 and tag not in PORTS:
        wrong.append(f"the tag {tag} has several meanings: {', '.join(str(p.relative_to(root)) for p in paths)}")
for constant, paths in constants.items():
    if len(paths) > 1 and any(p.suffix == ".h" for p in paths):
        wrong.append(f"{constant} has several meanings: {', '.join(str(p.relative_to(root)) for p in paths)}")

print("\n".join(wrong))
sys.exit(bool(wrong))
