#!/usr/bin/env python3
"""Checks the licence of every crate that is linked or run at build time against the list in deny.toml.

`cargo deny` reads the same list and knows advisories too, but takes minutes to build (`make deny`); this takes a second.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def allowed(expression, allow):
    """Whether an SPDX expression can be met with the licences of the list."""
    # Older manifests write `MIT/Apache-2.0` for a choice.
    words = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))

    def alternatives():
        result = conjunction()
        while words and words[0] == "OR":
            words.pop(0)
            result = conjunction() or result
        return result

    def conjunction():
        result = term()
        while words and words[0] == "AND":
            words.pop(0)
            result = term() and result
        return result

    def term():
        word = words.pop(0)
        if word == "(":
            result = alternatives()
            words.pop(0)
            return result
        if words and words[0] == "WITH":
            word = f"{word} WITH {words[1]}"
            del words[:2]
        return word in allow

    return alternatives() and not words


def main():
    section = re.search(r"^\[licenses\]$(.*?)(?=^\[|\Z)", (ROOT / "deny.toml").read_text(), re.M | re.S).group(1)
    allow = set(re.findall(r'"([^"]+)"', re.search(r"^allow = \[(.*?)\]", section, re.M | re.S).group(1)))
    cargo = ["cargo", "metadata", "--format-version=1", "--locked"]
    packages = json.loads(subprocess.run(cargo, cwd=ROOT, check=True, capture_output=True).stdout)["packages"]
    wrong = [f'{package["name"]} {package["version"]}: {package["license"] or "no licence named"}'
             for package in packages if not (package["license"] and allowed(package["license"], allow))]
    if wrong:
        sys.exit("licences: not in the list of deny.toml:\n  " + "\n  ".join(wrong))
    print(f"licences: {len(packages)} packages, all in the list of deny.toml")


if __name__ == "__main__":
    main()
