# Sourced from the root of the tree by the scripts that build and test the image: where images are
# when there is no container daemon, and how to reach them.
# shellcheck shell=sh
store=$PWD/build/container
# shellcheck disable=SC2034  # used by who sources this
local_base=localhost/debian:bookworm-slim

# buildah on a store of its own. The vfs driver copies instead of mounting: it works on any file
# system, also inside a container.
in_store() {
    buildah --root "$store/storage" --runroot "$store/run" --storage-driver vfs "$@"
}

# Whether a Docker daemon answers; the client alone is not enough.
has_docker() {
    command -v docker >/dev/null && docker info >/dev/null 2>&1
}
