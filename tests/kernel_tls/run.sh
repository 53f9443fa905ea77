#!/bin/sh
# TLS in the kernel (kTLS) for real: boots Debian's kernel with the module `tls` in a virtual machine
# under software emulation, and runs checks.py there, with the release build. For machines whose own
# kernel has no kTLS, so nothing is asked of this one; nothing is installed but Debian's packages of
# QEMU and BusyBox, and those only when they are missing and root asks. The kernel's package is only
# unpacked.
#
#     sh tests/kernel_tls/run.sh        some two minutes, and a download of 70 MB the first time
#
#     BUILD     the folder of the build (build/release), built if there is nothing
#     CACHE     where the kernel is kept (~/.cache/headgate-kernel-tls)    KEEP=1 keeps the console
#     LIMIT     seconds for the machine (900)
#
# Prints PASS or FAIL for each check. Exit status: 0 all passed, 1 something failed, 77 it cannot run
# here (no QEMU, no kernel, no network).
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD:-$root/build/release}
cache=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/headgate-kernel-tls}
limit=${LIMIT:-900}
python=/usr/bin/python3

skip() {
    echo "cannot run: $*"
    exit 77
}

work=$(mktemp -d "${TMPDIR:-/tmp}/headgate-kernel-tls.XXXXXX") || exit 77
trap '[ "${KEEP:-0}" = 1 ] && echo "kept: $work" || rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
tree=$work/tree

# ---- what is needed ---------------------------------------------------------------------------------

need() {
    missing=""
    while [ $# -gt 1 ]; do
        command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
        shift 2
    done
    [ -z "$missing" ] && return
    [ "$(id -u)" = 0 ] || skip "missing:$missing"
    apt-get update >"$work/apt.out" 2>&1 # a machine may have no lists yet
    # shellcheck disable=SC2086  # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing \
        >"$work/apt.out" 2>&1 || skip "missing:$missing"
}

newest_kernel() {
    apt-cache depends linux-image-amd64 2>/dev/null |
        awk '/Depends: linux-image/ { print $2; exit }'
}

# The kernel of the release, as it is in the archive now; the one that was kept when there is no
# archive to ask.
fetch_kernel() {
    mkdir -p "$cache"
    package=$(newest_kernel)
    if [ -z "$package" ] && [ "$(id -u)" = 0 ]; then
        apt-get update >"$work/apt.out" 2>&1 # a machine may have no lists yet
        package=$(newest_kernel)
    fi
    if [ -n "$package" ] && [ ! -d "$cache/$package" ]; then
        # As apt's own user it could not write here.
        (cd "$work" && apt-get -o APT::Sandbox::User=root download "$package" >apt.out 2>&1) &&
            dpkg -x "$work/$package"_*.deb "$work/$package" && rm "$work/$package"_*.deb &&
            mv "$work/$package" "$cache/"
    fi
    # shellcheck disable=SC2012  # names of packages
    kernel=$(ls -d "$cache"/linux-image-* 2>/dev/null | sort -V | tail -1)
    [ -n "$kernel" ] || skip "no kernel to boot"
}

# ---- the machine's files ----------------------------------------------------------------------------

# copy FILE: to the same place, with the libraries it needs.
copy() {
    [ -e "$tree$1" ] && return
    mkdir -p "$tree$(dirname "$1")"
    cp -L "$1" "$tree$1"
    case $1 in *.py) return ;; esac
    ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
        [ -e "$tree$library" ] || { mkdir -p "$tree$(dirname "$library")" && cp -L "$library" "$tree$library"; }
    done
}

# place FILE NAME: at the top.
place() {
    copy "$1"
    mv "$tree$1" "$tree/$2"
}

# module NAME: those it depends on first.
module() {
    file=$(find "$kernel/lib/modules" -name "$1.ko*" | head -1)
    [ -n "$file" ] || return
    case $file in
    *.xz) xz -dc "$file" ;;
    *.zst) zstd -qdc "$file" ;;
    *) cat "$file" ;;
    esac >"$work/$1.ko"
    for dependency in $(strings_of "$work/$1.ko" | sed -n 's/^depends=//p' | tr ',_' ' -'); do
        module "$dependency"
    done
    grep -qx "$1.ko" "$tree/modules/MODULES" && return
    mv "$work/$1.ko" "$tree/modules/"
    echo "$1.ko" >>"$tree/modules/MODULES"
}

strings_of() { tr '\0' '\n' <"$1" | grep -a '^depends='; }

make_tree() {
    mkdir -p "$tree/bin" "$tree/modules" "$tree/tests" "$tree/etc"
    : >"$tree/modules/MODULES"
    for name in cryptd aesni-intel ghash-generic gcm ccm ctr seqiv chacha-x86_64 \
        chacha_generic poly1305-x86_64 poly1305_generic chacha20poly1305 tls; do
        module "$name"
    done
    cp "$(command -v busybox)" "$tree/bin/busybox"
    cp "$here/init" "$tree/init"
    chmod 755 "$tree/init"
    cp "$here"/*.py "$tree/tests/"
    for file in /usr/bin/openssl $python $($python -B "$here/checks.py" --modules); do
        copy "$file"
    done
    mkdir -p "$tree/usr/lib/ssl"
    [ -f /etc/ssl/openssl.cnf ] && cp -L /etc/ssl/openssl.cnf "$tree/usr/lib/ssl/"
    place "$build/headgate" headgate
    place "$build/headgate-origin" headgate-origin
    [ -x "$build/tests/test_net" ] && place "$build/tests/test_net" test_net
    printf 'root:x:0:0::/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >"$tree/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$tree/etc/group"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
        -subj /CN=ktls.test -keyout "$work/key" -out "$work/certificate" 2>/dev/null
    cat "$work/certificate" "$work/key" >"$tree/certificate.pem"
    (cd "$tree" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initramfs"
}

# ---- the run ----------------------------------------------------------------------------------------

[ "$(uname -m)" = x86_64 ] || skip "the kernel that is booted is of x86_64"
need qemu-system-x86_64 qemu-system-x86 busybox busybox-static cpio cpio openssl openssl \
    $python python3 apt-get apt
fetch_kernel
if [ ! -x "$build/headgate" ] || [ ! -x "$build/headgate-origin" ]; then
    (cd "$root" && cmake --preset release && ninja -C build/release headgate headgate-origin test_net) \
        >"$work/build.out" 2>&1 || { cat "$work/build.out"; exit 1; }
fi
make_tree
echo "booting $(basename "$kernel"); headgate is $build/headgate"
timeout -k 5 "$limit" qemu-system-x86_64 -accel tcg -cpu max -m 1024 -nographic -no-reboot \
    -nic none -kernel "$(ls "$kernel"/boot/vmlinuz-*)" -initrd "$work/initramfs" \
    -append "console=ttyS0 quiet panic=-1" </dev/null 2>&1 |
    sed -u 's/\r//g' | tee "$work/console" |
    sed -un '/^checks begin/,/^ended/p' | grep --line-buffered -v '^checks begin\|^ended'
grep -q '^cannot run' "$work/console" && exit 77
grep -q '^PASS' "$work/console" && grep -q '^ended 0$' "$work/console" &&
    ! grep -q '^FAIL' "$work/console"
