#!/usr/bin/env python3
"""Writes the large inputs of the benchmarks: data.py FOLDER MEGABYTES COPY_MEGABYTES. What is there stays."""

import json
import os
import sys
from pathlib import Path


def write(path, size, head, item, tail):
    """A file of about `size` bytes: head, numbered items, tail."""
    if path.exists():
        return
    print(f"bench: writing {path} ({size >> 20} MB)", flush=True)
    new = path.with_suffix(".new")
    with open(new, "w", encoding="utf-8") as out:
        out.write(head)
        written = number = 0
        while written < size:
            written += out.write(item(number))
            number += 1
        out.write(tail)
    new.replace(path)


def record(number):
    """An item as APIs list them."""
    return json.dumps({"id": number, "name": f"service-{number}", "image": f"registry.example.com/team/app:{number}",
                       "tags": ["blue", "green", "näher"], "limits": {"memory": 256 + number % 512, "cpu": 0.25},
                       "healthy": number % 7 != 0, "note": None})


def main():
    folder, size, copy = Path(sys.argv[1]), int(sys.argv[2]) << 20, int(sys.argv[3]) << 20
    folder.mkdir(parents=True, exist_ok=True)
    # A list in the document, the wanted key behind it: all of it has to be read.
    write(folder / "list.json", size, '{"services":[{"id":-1}', lambda number: ",\n" + record(number),
          '],"meta":{"next":"page-2"}}\n')
    # An object of many keys, each with a long text.
    text = "line one\\nline two \\u00e9 \\\"quoted\\\" " * 40
    write(folder / "keys.json", size, '{"first":1', lambda number: f',"key{number}":"{text}{number}"',
          ',"last":"found"}\n')
    write(folder / "template.txt", size, "", lambda number:
          f"server {number}: ${{APP_NAME}} listens on $APP_PORT, cost $1.50, started by ${{APP_USER}} from /srv/app/{number}\n", "")
    archive = folder / "archive.bin"
    if not archive.exists() or archive.stat().st_size != copy:
        print(f"bench: writing {archive} ({copy >> 20} MB)", flush=True)
        block = os.urandom(1 << 20)
        with open(archive, "wb") as out:
            for _ in range(copy >> 20):
                out.write(block)


if __name__ == "__main__":
    main()
