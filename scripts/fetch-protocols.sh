#!/usr/bin/env bash
# Installs what `npm run test:protocols` needs beside scripts/setup.sh: servers from Debian, and clients and servers from
# PyPI and npm in a folder outside the repository. Whatever cannot be installed is reported, and its tests are skipped.
#
#   scripts/fetch-protocols.sh           installs what is missing
#   scripts/fetch-protocols.sh --path    only prints the folder, whether it exists or not
set -euo pipefail
export HOME=${HOME:-~}
readonly PYTHON=(grpcio==1.74.0 websockets==15.0.1 'httpx[http2]==0.28.1')
readonly NODE=(amqplib@2.3.1 mqtt@5.16.0 @grpc/grpc-js@1.14.7)
readonly DEBIAN=(nginx-light haproxy redis-server memcached postgresql mariadb-server rabbitmq-server mosquitto nats-server)
pinned=$(sha256sum <<<"${PYTHON[*]} ${NODE[*]}")
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

export PATH="$PATH:/usr/sbin:/sbin"
debian_packages
packages
