#!/usr/bin/env bash
# Builds the current Prometheus and Alertmanager for tests, with Go from the Go module proxy. They are kept outside the
# repository, in one directory for each state of this file, so each is built once. Prints what it builds, and nothing if
# there is nothing to do. The tests run on Debian's packages anyway, and on these too if they are there.
#
#   scripts/build-prometheus.sh           builds missing programs; exit status 3: no Go, or no sources
#   scripts/build-prometheus.sh --path    only prints the directory, even if it does not exist
set -euo pipefail
# Prometheus 3.x.y is the Go module v0.3xx.y.
readonly PROMETHEUS=v0.316.0 ALERTMANAGER=v0.35.0
# Without the service discoveries of clouds, whose SDKs take longer to build than all the rest.
readonly TAGS=remove_all_sd,enable_kubernetes_sd
# The directory in Go's installation instructions, which is not on the PATH of every CI shell.
export PATH="$PATH:/usr/local/go/bin"
# Not set for every service, but required by Go.
export HOME=${HOME:-~}

say() { printf 'prometheus: %s\n' "$*"; }
cannot() { say "NOT BUILT, so the tests run on the installed Prometheus only: ${*//$'\n'/ }" >&2; exit 3; }
complete() { [[ -x $folder/prometheus && -x $folder/promtool && -x $folder/alertmanager && -x $folder/amtool ]]; }

pinned=$(sha256sum <"$0")
folder=${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet/prometheus/${pinned:0:12}
if [[ ${1:-} == --path ]]; then
    echo "$folder"
    exit
fi
complete && exit
command -v go >/dev/null || cannot "Go is not on the PATH (https://go.dev/dl)"
mkdir -p "$(dirname "$folder")"
# Another build may have finished while this one waited for the lock.
exec 9>"$folder.lock"
flock 9
complete && exit
for module in github.com/prometheus/{prometheus@$PROMETHEUS,alertmanager@$ALERTMANAGER}; do
    # A wrong checksum is no missing source.
    error=$(go mod download "$module" 2>&1) || { [[ $error != *'SECURITY ERROR'* ]] || { say "$error" >&2; exit 1; }; cannot "$error"; }
done
say "building Prometheus $PROMETHEUS and Alertmanager $ALERTMANAGER with $(go env GOVERSION) (takes minutes, once)"
temporary=$(mktemp -d "$folder.XXXXXX")
trap "rm -rf '$temporary'" EXIT
export CGO_ENABLED=0 GOWORK=off GOFLAGS='' GOGC=400
# Set by their own Makefiles.
flags() { echo "-s -w -X github.com/prometheus/common/version.Version=$1"; }
minor_and_patch=${PROMETHEUS#v0.3}
for program in prometheus promtool; do
    GOBIN=$temporary nice go install -trimpath -ldflags "$(flags "3.${minor_and_patch#0}")" -tags "$TAGS" \
        "github.com/prometheus/prometheus/cmd/$program@$PROMETHEUS"
done
# Alertmanager's published module lacks the user interface that it embeds: a copy gets an empty page.
cp -r "$(go mod download -json "github.com/prometheus/alertmanager@$ALERTMANAGER" | sed -n 's/^\s*"Dir": "\(.*\)",\?$/\1/p')" "$temporary/source"
chmod -R u+w "$temporary/source"
mkdir -p "$temporary/source/ui/app/dist"
touch "$temporary/source/ui/app/dist/index.html"
for program in alertmanager amtool; do
    (cd "$temporary/source" && nice go build -trimpath -ldflags "$(flags "${ALERTMANAGER#v}")" -buildvcs=false -o "$temporary/" "./cmd/$program")
done
rm -rf "$temporary/source"
chmod 755 "$temporary"
mv "$temporary" "$folder"
say "built $folder ($(du -sh "$folder" | cut -f1))"
