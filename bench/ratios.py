#!/usr/bin/env python3
"""Prints what hyperfine measured (its JSON) as a table: the median of each command, and how often the first fits in."""

import json
import sys

results = json.load(open(sys.argv[1], encoding="utf-8"))["results"]
first = results[0]["median"]
width = max(len(result["command"]) for result in results)
for result in results:
    spread = f'{result["min"] * 1000:.2f} to {result["max"] * 1000:.2f}'
    print(f'  {result["command"]:<{width}}  {result["median"] * 1000:10.2f} ms  ({spread}, {len(result["times"])} runs)'
          f'  {result["median"] / first:6.2f} x')
