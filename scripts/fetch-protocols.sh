#!/usr/bin/env bash
# Installs what `npm run test:protocols` needs beside scripts/setup.sh: servers from Debian, and clients and servers from
# PyPI, npm and the Go module proxy in a folder outside the repository. Whatever cannot be installed is reported, and its tests are skipped.
#
#   scripts/fetch-protocols.sh           installs what is missing
#   scripts/fetch-protocols.sh --path    only prints the folder, whether it exists or not
set -euo pipefail
cd "$(dirname "$0")/.."
export HOME=${HOME:-~}
readonly PYTHON=(grpcio==1.74.0 websockets==15.0.1 'httpx[http2]==0.28.1')
readonly NODE=(amqplib@2.3.1 mqtt@5.16.0 @grpc/grpc-js@1.14.7)
readonly DEBIAN=(nginx-light haproxy redis-server memcached postgresql mariadb-server rabbitmq-server mosquitto nats-server)
pinned=$({ echo "${PYTHON[*]} ${NODE[*]}" && cat test/protocols/kafka/*; } | sha256sum)
readonly FOLDER=${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet/protocols/${pinned:0:12}

say() { printf 'protocols: %s\n' "$*"; }

if [[ ${1:-} == --path ]]; then
    echo "$FOLDER"
    exit
fi

# Installs a package without starting its service.
debian_package() {
    say "installing the Debian package $1"
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$1" >/dev/null ||
        say "NOT INSTALLED: $1" >&2
}

debian_packages() {
    local missing=() name policy=/usr/sbin/policy-rc.d
    for name in "${DEBIAN[@]}"; do
        # Another package may provide nginx.
        [[ $name != nginx-light ]] || ! command -v nginx >/dev/null || continue
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
    done
    ((${#missing[@]} > 0)) || return 0
    if ! command -v apt-get >/dev/null; then
        say "NOT INSTALLED: ${missing[*]} (only on Debian, with apt-get)" >&2
        return 0
    fi
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    apt-get update -qq || true
    for name in "${missing[@]}"; do debian_package "$name"; done
}

packages() {
    [[ ! -e $FOLDER/complete ]] || return 0
    say "fetching ${PYTHON[*]} ${NODE[*]}"
    rm -rf "$FOLDER"
    mkdir -p "$FOLDER"
    if python3 -m venv "$FOLDER/python" >/dev/null 2>&1 &&
        "$FOLDER/python/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: "${PYTHON[@]}" &&
        npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$FOLDER" "${NODE[@]}" >/dev/null; then
        touch "$FOLDER/complete"
    else
        say "NOT FETCHED, so the tests with them are skipped" >&2
    fi
}

# A broker and its clients of one Go program.
kafka() {
    [[ ! -x $FOLDER/kafka ]] || return 0
    if ! command -v go >/dev/null; then
        say "NOT BUILT: a Kafka broker (there is no Go on the PATH, https://go.dev/dl)" >&2
        return 0
    fi
    say "building a Kafka broker with $(go env GOVERSION) (takes a minute, once)"
    mkdir -p "$FOLDER"
    (
        cd test/protocols/kafka
        CGO_ENABLED=0 GOWORK=off GOFLAGS='' nice go build -trimpath -buildvcs=false -mod=readonly -ldflags '-s -w' -o "$FOLDER/kafka" .
    ) || say "NOT BUILT: a Kafka broker" >&2
}

# Go's installation instructions put it there; not every shell has it on its PATH.
export PATH="$PATH:/usr/sbin:/sbin:/usr/local/go/bin"
debian_packages
packages
kafka
