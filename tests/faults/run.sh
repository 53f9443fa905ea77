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

# Faults that a behaviour test makes: the name, then the test's patterns.
behaviour_tests() {
    cat <<'END'
child-killed         Processes.LoseOnlyTheConnectionsOfOneThatIsKilled
supervisor-killed    Processes.DrainWhenTheSupervisorIsKilled
dies-in-head         BrokenResponses.AreAnswered502BeforeAnythingWasSent
dies-in-content      BrokenResponses.AreCutSoThatTheyCannotBeTakenForWhole
dies-when-idle       Pool.NeverUsesAnIdle* Pool.SendsAGet* Pool.GivesUp* Pool.SendsNothingTwice*
descriptors          Exhaustion.OfDescriptorsPausesAccepting
slots                Exhaustion.OfSlotsLetsClientsWait
log-cannot-grow      Exhaustion.OfTheDiskLosesLogLinesAndNoRequests
log-fifo-blocked     Exhaustion.OfAFifoLosesLogLinesAndNoRequests
log-deleted          Exhaustion.OfALogsNameLosesNoRequests
clients-leave        Failures.OfClientsThatLeave Segments.*Leaves* Segments.CutsOffAClient*
one-octet-segments   Segments.Takes*
END
}

quick_names="all-children-killed dies-under-load dies-at-reuse ports disk-full clients-vanish loss"

names() {
    behaviour_tests | awk '{ print $1 }'
    "$python" -B "$here/main.py" --list
}

# by_behaviour NAME MODEL PATTERN...
by_behaviour() {
    name=$1 model=$2
    shift 2
    filter=
    for pattern in "$@"; do filter="$filter:Model/${pattern%\*}*/$model"; done
    said=$("$build/tests/test_models" --gtest_filter="${filter#:}" 2>&1)
    status=$?
    passed=$(printf '%s\n' "$said" | sed -n 's/.*PASSED.* \([0-9]*\) tests\{0,1\}\..*/\1/p')
    if [ "$status" = 0 ] && [ "${passed:-0}" -gt 0 ]; then
        printf 'survived %-20s %-8s %s passed of: %s\n' "$name" "$model" "$passed" "$*"
        return
    fi
    reason=$(printf '%s\n' "$said" | grep -m 3 -A 3 -E 'Failure|rror' | tr '\n' ' ' | cut -c 1-400)
    printf 'FAILED   %-20s %-8s %s\n' "$name" "$model" "${reason:-no test of that name}"
    return 1
}

# one NAME MODEL
one() {
    patterns=$(behaviour_tests | awk -v name="$1" '$1 == name { $1 = ""; print }')
    if [ -n "$patterns" ]; then
        set -f # patterns are not for files
        # shellcheck disable=SC2086  # a list of words
        by_behaviour "$1" "$2" $patterns
    else
        # shellcheck disable=SC2086  # nothing, or one word
        "$python" -B "$here/main.py" "$headgate" "$1" "$2" $quick
    fi
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
        one "$each" "$model" || failed=1
    done
done
exit "$failed"
