#!/bin/bash -e
# What the original did at each call, restated: a bash script that reads some 46 KB of functions (ORIGINAL_FUNCTIONS,
# which data.py makes of original-functions.sh) and runs one of them.

# shellcheck source=bench/original-functions.sh
source "$ORIGINAL_FUNCTIONS"

"$@"
