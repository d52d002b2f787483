"""Writes a C file that holds the debugger's page: every file as it is, and compressed.

usage: embed.py OUT.c FILE…
"""

import gzip
import hashlib
import os
import sys

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    "": "text/plain; charset=utf-8",
}


def array(name, content):
    """Octal escapes: a string is read by the compiler ten times as fast as a list of numbers."""
    lines = ("".join(f"\\{byte:03o}" for byte in content[at:at + 32]) for at in range(0, len(content), 32))
    body = "\n".join(f'    "{line}"' for line in lines)
    return f"static const unsigned char {name}[] =\n{body};\n"


def initializer(name, content):
    etag = hashlib.sha256(content).hexdigest()[:32]
    return f'{{ {name}, sizeof({name}) - 1, "\\"{etag}\\"" }}'


def main(out, paths):
    arrays, rows = [], []
    for number, path in enumerate(paths):
        with open(path, "rb") as f:
            plain = f.read()
        packed = gzip.compress(plain, 9, mtime=0)
        name = os.path.basename(path)
        arrays += [array(f"plain_{number}", plain), array(f"gzip_{number}", packed)]
        rows.append(f'    {{ "{name}", {{ "{TYPES[os.path.splitext(name)[1]]}",\n'
                    f"      {initializer(f'plain_{number}', plain)},\n"
                    f"      {initializer(f'gzip_{number}', packed)} }} }},\n")
    with open(out, "w", encoding="ascii") as f:
        f.write('#include "debugger/files.h"\n\n' + "\n".join(arrays) +
                "\nconst struct debugger_file debugger_files[] = {\n" + "".join(rows) + "};\n\n"
                "const size_t debugger_file_count = sizeof(debugger_files) / sizeof(debugger_files[0]);\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
