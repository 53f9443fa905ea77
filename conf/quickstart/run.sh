#!/bin/sh
# Builds Headgate and runs it in front of a demonstration origin, until Ctrl-C.
#
#     sh conf/quickstart/run.sh
#
# HEADGATE_PORT and ORIGIN_PORT choose other ports than 8080 and 8081.
set -eu
cd "$(dirname "$0")/../.."

HEADGATE_PORT=${HEADGATE_PORT:-8080}
ORIGIN_PORT=${ORIGIN_PORT:-8081}
export HEADGATE_PORT ORIGIN_PORT

sh docker/install.sh build
echo "Building (a minute or two the first time) ..."
cmake --preset release >build-quickstart.log 2>&1 &&
    cmake --build --preset release --target headgate headgate-origin >>build-quickstart.log 2>&1 || {
    tail -n 30 build-quickstart.log >&2
    echo "The build failed; the whole log is build-quickstart.log" >&2
    exit 1
}
rm -f build-quickstart.log

origin= proxy=
stop() {
    trap - INT TERM EXIT
    [ -z "$proxy" ] || { kill -TERM "$proxy" 2>/dev/null && wait "$proxy"; } || true
    [ -z "$origin" ] || { kill "$origin" 2>/dev/null && wait "$origin" 2>/dev/null; } || true
    echo "Stopped."
}
trap 'stop; exit 0' INT TERM
trap stop EXIT

build/release/headgate-origin --listen "127.0.0.1:$ORIGIN_PORT" >/dev/null &
origin=$!
build/release/headgate -f conf/quickstart/headgate.conf &
proxy=$!
sleep 1
kill -0 "$origin" 2>/dev/null || { echo "The origin did not start: is port $ORIGIN_PORT taken?" >&2; exit 1; }
kill -0 "$proxy" 2>/dev/null || { echo "Headgate did not start: see above." >&2; exit 1; }

cat <<TEXT

Headgate listens on http://127.0.0.1:$HEADGATE_PORT, in front of a demonstration origin. Try, elsewhere:

    curl -i http://127.0.0.1:$HEADGATE_PORT/                        what the origin offers
    curl http://127.0.0.1:$HEADGATE_PORT/slow?ms=5000               an upstream that thinks for 5 s
    curl 'http://127.0.0.1:$HEADGATE_PORT/chunked?bytes=100000&ms=200'   content that drips

Every exchange is a line below. Look at the last words of each: how its response was framed, how long
it took, how long it *held* the one thread there is, and how long it was parked while others ran.
Start twenty slow ones and a quick one beside them: the quick one does not wait.

Ctrl-C drains and stops.

TEXT
wait "$proxy"
