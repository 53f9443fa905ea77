#!/bin/sh
# Faults, one after the other, under each model that they apply to: see README.md for what each is,
# and what "survived" means.
#
#     sh tests/faults/run.sh [NAME...]      all, or these; ends by itself, within some five minutes
#     sh tests/faults/run.sh --quick        a short part of them, which ctest runs
#     sh tests/faults/run.sh --list         only the names
#
#     FAULT_MODELS (event worker prefork)
#     BUILD        the folder of the build (build/release)     HEADGATE     the binary to run
#
# Prints a line for each fault and model that begins with `survived`, `FAILED`, or, where the kernel
# or a missing package does not let it be tried, `skipped`. Exit status: 0 nothing failed, 1 something
# did, 2 it could not run.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../../build/release}
headgate=${HEADGATE:-$build/headgate}
models=${FAULT_MODELS:-event worker prefork}
# Debian's own, whatever else is in the PATH.
python=/usr/bin/python3

quick_names="all-children-killed supervisor-killed dies-in-content dies-at-reuse descriptors ports disk-full clients-leave"

names() {
    "$python" -B "$here/main.py" --list
}

quick=
case ${1:-} in
    --list) names; exit 0 ;;
    --quick)
        quick=quick
        # shellcheck disable=SC2086  # a list of words
        set -- $quick_names
        ;;
    -*) echo "usage: sh tests/faults/run.sh [--quick | --list | NAME...]" >&2; exit 2 ;;
esac
[ -x "$headgate" ] || { echo "$headgate is missing; build it: sh tests/run.sh" >&2; exit 2; }
all=$(names)
# shellcheck disable=SC2086  # a list of words
[ $# -gt 0 ] || set -- $all
failed=0
for each in "$@"; do
    printf '%s\n' "$all" | grep -qx -e "$each" || { echo "no fault is called $each" >&2; exit 2; }
    for model in $models; do
        # shellcheck disable=SC2086  # nothing, or one word
        "$python" -B "$here/main.py" "$headgate" "$each" "$model" $quick || failed=1
    done
done
exit "$failed"
