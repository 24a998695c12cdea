#!/usr/bin/env bash
# Builds the OpenTelemetry Collector that test/scorer/traces/collector.test.ts runs, with Go from the Go module proxy, in
# the versions of scripts/otel-collector/go.mod. It is kept outside the repository, in a folder of its own for each
# go.mod, so that a build is needed once. Reports what it builds; with nothing to do it is silent.
#
#   scripts/build-otel-collector.sh           builds it if it is missing; exit status 3: no Go to build it with, or no sources
#   scripts/build-otel-collector.sh --path    only prints the folder, whether it exists or not
set -euo pipefail
cd "$(dirname "$0")/otel-collector"
# Where Go's installation instructions put it; not every shell of a CI has it on its PATH.
export PATH="$PATH:/usr/local/go/bin"
export HOME=${HOME:-~}

say() { printf 'otel-collector: %s\n' "$*"; }
cannot() { say "NOT BUILT, so the test with a real Collector is skipped: ${*//$'\n'/ }" >&2; exit 3; }

pinned=$(cat go.mod go.sum main.go | sha256sum)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet/otel-collector/${pinned:0:12}
if [[ ${1:-} == --path ]]; then
    echo "$folder"
    exit
fi
[[ ! -x $folder/otelcol ]] || exit 0
command -v go >/dev/null || cannot "there is no Go on the PATH (https://go.dev/dl)"
mkdir -p "$(dirname "$folder")"
# A build that waited for another one's end has nothing left to do.
exec 9>"$folder.lock"
flock 9
[[ ! -x $folder/otelcol ]] || exit 0
# A wrong checksum is no missing source.
error=$(go mod download 2>&1) || { [[ $error != *'SECURITY ERROR'* ]] || { say "$error" >&2; exit 1; }; cannot "$error"; }
say "building the Collector $(go list -m -f '{{.Version}}' go.opentelemetry.io/collector/otelcol) with $(go env GOVERSION) (takes minutes, once)"
temporary=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
CGO_ENABLED=0 GOWORK=off GOFLAGS='' GOGC=400 nice go build -trimpath -buildvcs=false -mod=readonly -ldflags '-s -w' -o "$temporary/otelcol" .
chmod 755 "$temporary"
mv "$temporary" "$folder"
say "built $folder ($(du -sh "$folder" | cut -f1))"
