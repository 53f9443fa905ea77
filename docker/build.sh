#!/bin/sh
# Builds the container image from the working tree, and says how much it adds to its base.
#
#     sh docker/build.sh [IMAGE]        IMAGE is headgate:dev when not given
#
# Where a Docker daemon answers, it does the work. Elsewhere buildah does, as root: no daemon, no
# registry; its base is made of Debian's packages once. What it keeps (base and images) is in
# build/container; `docker/store.sh` is how other scripts reach it.
#
# JOBS        how many compilers at a time; as many as there are processors when not given
# BUILDAH_LAYERS=true makes buildah keep every step: repeats are quicker, at a gigabyte a step.
# BASE        with Docker, another base than debian:bookworm-slim
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=docker/store.sh
. docker/store.sh

image=${1:-headgate:dev}
jobs=${JOBS:-$(nproc)}
version=$(sed -n 's/^project(headgate VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
revision=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
limit_mb=40

# What is new in a Debian release's minimal system, without what a slim image leaves out.
make_base() {
    tarball=$store/bookworm-slim.tar
    mkdir -p "$store"
    if [ ! -s "$tarball" ]; then
        echo "Making the base from Debian's packages (a minute or two) ..."
        mmdebstrap --quiet --variant=minbase --format=tar \
            --dpkgopt='path-exclude=/usr/share/doc/*' \
            --dpkgopt='path-include=/usr/share/doc/*/copyright' \
            --dpkgopt='path-exclude=/usr/share/man/*' \
            --dpkgopt='path-exclude=/usr/share/info/*' \
            --dpkgopt='path-exclude=/usr/share/locale/*' \
            bookworm "$tarball.part"
        mv "$tarball.part" "$tarball"
    fi
    container=$(in_store from scratch)
    in_store add --quiet "$container" "$tarball" / >/dev/null
    in_store config --cmd /bin/bash "$container"
    in_store commit --quiet --format docker "$container" "$local_base" >/dev/null
    in_store rm "$container" >/dev/null
}

# Octets of all files of an image.
size_of() {
    container=$(in_store from --pull-never "$1")
    du -s --apparent-size --block-size=1 "$(in_store mount "$container")" | cut -f 1
    in_store rm "$container" >/dev/null
}

build_with_docker() {
    base=${BASE:-debian:bookworm-slim}
    docker image inspect "$base" >/dev/null 2>&1 || docker pull "$base"
    DOCKER_BUILDKIT=1 docker build --build-arg "BASE=$base" --build-arg "JOBS=$jobs" \
        --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
        -t "$image" -f docker/Dockerfile .
    base_size=$(docker image inspect --format '{{.Size}}' "$base")
    image_size=$(docker image inspect --format '{{.Size}}' "$image")
}

build_with_buildah() {
    if [ "$(id -u)" != 0 ]; then
        echo "Without a Docker daemon this must run as root." >&2
        exit 1
    fi
    sh docker/install.sh image
    in_store inspect --type image "$local_base" >/dev/null 2>&1 || make_base
    in_store build --isolation chroot --format docker --pull-never \
        --ignorefile docker/Dockerfile.dockerignore \
        --build-arg "BASE=$local_base" --build-arg "JOBS=$jobs" \
        --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
        -t "$image" -f docker/Dockerfile .
    base_size=$(size_of "$local_base")
    image_size=$(size_of "$image")
}

if has_docker; then build_with_docker; else build_with_buildah; fi

over_mb=$(((image_size - base_size + 500000) / 1000000))
echo "$image: $((image_size / 1000000)) MB, $over_mb MB over its base"
if [ "$over_mb" -ge "$limit_mb" ]; then
    echo "That is not less than $limit_mb MB: see which packages the image takes." >&2
    exit 1
fi
