#!/usr/bin/env python3
"""Writes the large inputs of the benchmarks: data.py FOLDER MEGABYTES COPY_MEGABYTES. What is there stays."""

import json
import os
import shutil
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


# One of the functions that the original read at each call without running it: arguments, a loop, files, messages.
FUNCTION = """
step_{number}() {{
    local name="$1" target="$2" state="" line="" count=0
    if [ -z "$name" ] || [ -z "$target" ]; then
        echo "Usage: step_{number} NAME TARGET"
        exit 99
    fi
    state=$(get_resource_meta "$name")/state_{number}
    if [ ! -d "$state" ]; then
        mkdir -p "$state"
    fi
    while read -r line; do
        case "$line" in
            \\#*) continue ;;
            *=*) echo "${{line%%=*}}=\\"${{line#*=}}\\"" >> "$target/$name.env" ;;
            *) count=$((count + 1)) ;;
        esac
    done < "$state/values.env"
    if [ "$count" -gt 0 ] && [ -f "$target/$name.env" ]; then
        echo "$name: $count lines were left out" | tee -a "$target/step_{number}.log"
        cp -r "$state/." "$target/$name" || return 1
    fi
}}
"""


def functions(path, live, size):
    """What the original reads at each call: the functions that are measured, filled up to `size` with others."""
    text = live.read_text(encoding="utf-8")
    number = 0
    while len(text) < size:
        text += FUNCTION.format(number=number)
        number += 1
    path.write_text(text, encoding="utf-8")


def resources(folder, count):
    """A job directory of that many resources: images, params, and key pairs with their integrations."""
    if folder.exists():
        return
    print(f"bench: writing {folder} ({count} resources)", flush=True)
    new = folder.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    for number in range(count):
        kind = ("image", "params", "integration")[number % 3]
        name = f"{kind}_{number}"
        bag = {"params": {f"KEY_{key}": f"value {key} of {number}" for key in range(10)}} if kind == "params" else {}
        version = {"operation": "IN", "name": name, "type": kind, "resourceId": number, "isJob": False,
                   "propertyBag": {"yml": {"name": name, "type": kind, "pointer": {"sourceName": f"org/app{number}"}}},
                   "version": {"versionId": number * 10, "versionNumber": 1, "versionName": f"v1.{number}",
                               "propertyBag": bag}}
        place = new / "IN" / name
        place.mkdir(parents=True)
        (place / "version.json").write_text(json.dumps(version), encoding="utf-8")
        if kind == "integration":
            keys = {"id": str(number), "masterName": "amazonKeys", "accessKey": f"AKIA{number}", "secretKey": f"wJalrXUtnFEMI/K7MDENG/bPxRfiCY{number:08}"}
            (place / "integration.json").write_text(json.dumps(keys), encoding="utf-8")
    (new / "message.json").write_text(json.dumps({"name": "deploy", "buildNumber": 42, "steps": []}), encoding="utf-8")
    new.rename(folder)


def pipeline(folder, count):
    """The pipeline of a job of that many resources: images, params with a secret, and key pairs with integrations."""
    if folder.exists():
        return
    print(f"bench: writing {folder} ({count} resources)", flush=True)
    new = folder.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    resources, integrations, steps = ["resources:"], [], []
    for number in range(count):
        kind = ("params", "image", "integration")[number % 3]
        name = f"{kind}_{number}"
        steps.append(f"      - IN: {name}")
        resources.append(f"  - name: {name}\n    type: {kind}")
        if kind == "image":
            resources.append(f"    pointer:\n      sourceName: org/app{number}/${{KEY_1}}\n    seed:\n      versionName: v1.{number}")
        elif kind == "params":
            values = "".join(f"\n        KEY_{key}: value {key} of {number}" for key in range(10))
            resources.append(f"    versionTemplate:\n      params:{values}\n        secure:\n          SECRET_{number}: env:BENCH_SECRET")
        else:
            resources.append(f"    integration: keys_{number}")
            integrations.append(f"keys_{number}:\n  type: amazonKeys\n  accessKey: AKIA{number}\n  secretKey: wJalrXUtnFEMI/K7MDENG/bPxRfiCY{number:08}")
    job = ["jobs:", "  - name: deploy", "    type: runSh", "    steps:", *steps, "      - TASK:", "          script: 'true'"]
    (new / "shippable.yml").write_text("\n".join(resources + job) + "\n", encoding="utf-8")
    (new / "integrations.yml").write_text("\n".join(integrations) + "\n", encoding="utf-8")
    new.rename(folder)


def main():
    folder, size, copy = Path(sys.argv[1]), int(sys.argv[2]) << 20, int(sys.argv[3]) << 20
    folder.mkdir(parents=True, exist_ok=True)
    functions(folder / "original-functions.sh", Path(__file__).with_name("original-functions.sh"), 46 << 10)
    resources(folder / "resources", 1000)
    for count in (3, 250, 500, 1000):
        pipeline(folder / "pipelines" / str(count), count)
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
