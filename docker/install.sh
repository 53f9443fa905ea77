#!/bin/sh
# Installs what is missing of the package sets named as arguments (see packages.txt). Says what it
# does; does nothing, quickly, when everything is there.
set -eu
list=$(dirname "$0")/packages.txt

missing=
for set in "$@"; do
    # shellcheck disable=SC2013  # words are wanted
    for package in $(sed 's/#.*//' "$list" | awk -v set="$set" '$2 == set { print $1 }'); do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    echo "These Debian packages are missing; install them as root:" >&2
    echo "    apt-get install$missing" >&2
    exit 1
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# A server that is only a peer in tests must not start by itself.
policy=/usr/sbin/policy-rc.d
made_policy=
if [ -z "$as_root" ] && [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    made_policy=yes
fi
status=0
# shellcheck disable=SC2086  # a list of words
{ $as_root apt-get update -q && $as_root apt-get install -q -y --no-install-recommends $missing; } \
    >/tmp/headgate-install.log 2>&1 || status=$?
[ -z "$made_policy" ] || rm -f "$policy"
if [ "$status" != 0 ]; then
    tail -n 20 /tmp/headgate-install.log >&2
    echo "The installation failed; the whole log is /tmp/headgate-install.log" >&2
fi
exit "$status"
