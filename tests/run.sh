#!/bin/sh
# Builds Headgate and runs every test, in a release build and under AddressSanitizer and UBSan.
#
#     sh tests/run.sh             release and asan
#     sh tests/run.sh --all       also ThreadSanitizer and the second compiler, with the fuzzers
#     sh tests/run.sh PRESET...   those of CMakePresets.json
#
# Installs the Debian packages it needs. Ends with one line: N passed, N failed.
set -eu
cd "$(dirname "$0")/.."

sets="build test"
case "${1:-}" in
    --all) presets="release asan tsan clang"; sets="$sets all" ;;
    "") presets="release asan" ;;
    -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' tests/run.sh; exit 0 ;;
    -*) echo "usage: sh tests/run.sh [--all | PRESET...]" >&2; exit 2 ;;
    *) presets=$*; sets="$sets all" ;;
esac
# shellcheck disable=SC2086  # a list of words
sh docker/install.sh $sets

# What the sanitizers are told: stop at the first finding, and show where.
export ASAN_OPTIONS="detect_stack_use_after_return=0:abort_on_error=0:exitcode=99"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
export TSAN_OPTIONS="halt_on_error=1:exitcode=99:suppressions=$PWD/tests/tsan.suppressions"
export GTEST_BRIEF=1 # a test that passes says nothing

passed=0 failed=0
for preset in $presets; do
    echo "== $preset: building"
    build_log=build/$preset/build.log
    mkdir -p "build/$preset"
    { cmake --preset "$preset" && cmake --build --preset "$preset"; } >"$build_log" 2>&1 || {
        tail -n 40 "$build_log"
        echo "the $preset build failed; the whole log is $build_log" >&2
        exit 1
    }
    echo "== $preset: testing"
    log=build/$preset/tests.log
    ctest --test-dir "build/$preset" --output-on-failure -j 2 >"$log" 2>&1 || true
    cat "$log"
    ok=$(grep -c ' Passed ' "$log" || true)
    bad=$(grep -c -E '\*\*\*(Failed|Timeout|Exception|Not Run)' "$log" || true)
    # A run without a single test is a failure, not a success.
    [ "$((ok + bad))" -gt 0 ] || bad=1
    passed=$((passed + ok)) failed=$((failed + bad))
done
echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
