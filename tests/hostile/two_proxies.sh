#!/bin/sh
# Headgate in front of another proxy, fed hostile requests: see two_proxies.py.
#
#     sh tests/hostile/two_proxies.sh HEADGATE [PEER[:MODEL] ...]
#
# A peer that is not installed is a failure, not a test left out.
set -eu
exec python3 -B "$(dirname "$0")/two_proxies.py" "$@"
