#!/usr/bin/env python3
"""Prints times as a table: the median of each command, and how often the first fits in, by the medians and by the
fastest runs, which what else the machine does disturbs least.

    ratios.py FILE          what hyperfine measured, its JSON
    ratios.py FILE NAME...  what turns.c measured, a line of microseconds per name
"""

import json
import statistics
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    if names := sys.argv[2:]:
        rows = [(name, [float(word) / 1000 for word in line.split()]) for name, line in zip(names, file, strict=True)]
    else:
        rows = [(result["command"], [time * 1000 for time in result["times"]]) for result in json.load(file)["results"]]
first = statistics.median(rows[0][1])
width = max(len(name) for name, _ in rows)
for name, times in rows:
    median = statistics.median(times)
    print(f"  {name:<{width}}  {median:10.2f} ms  ({min(times):.2f} to {max(times):.2f}, {len(times)} runs)"
          f"  {median / first:6.2f} x, fastest {min(times) / min(rows[0][1]):.2f} x")
