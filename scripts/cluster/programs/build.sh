#!/usr/bin/env bash
# Builds the programs of a cluster with nodes: kubelet, kube-proxy, kube-controller-manager, kube-scheduler, CoreDNS, and
# Prometheus Operator with its config reloader, with Go from the Go module proxy, in the versions of go.mod and
# operator/go.mod. scripts/build-kubernetes-assets.sh builds the others. They are kept outside the repository, in one
# directory for these files, so each version is built once. Prints what it builds, and nothing if there is nothing to do.
#
#   scripts/cluster/programs/build.sh           builds missing programs; exit status 3: no Go, or no sources
#   scripts/cluster/programs/build.sh --path    only prints the directory, even if it does not exist
set -euo pipefail
cd "$(dirname "$0")"
# The directory in Go's installation instructions, which is not on the PATH of every CI shell.
export PATH="$PATH:/usr/local/go/bin"
# Not set for every service, but required by Go.
export HOME=${HOME:-~}
readonly CANNOT=3
readonly OPERATOR=github.com/prometheus-operator/prometheus-operator

say() { printf 'cluster: %s\n' "$*"; }
fail() { say "$@" >&2; exit 1; }
cannot() { say "NOT BUILT, so the tests in a cluster are skipped: ${*//$'\n'/ }" >&2; exit "$CANNOT"; }

version() { go list -m -f '{{.Version}}' "$1"; }

need_sources() {
    local error
    error=$(go mod download k8s.io/kubernetes 2>&1 && cd operator && go mod download "$OPERATOR" 2>&1) && return 0
    [[ $error != *'SECURITY ERROR'* ]] || fail "$error"
    cannot "$error"
}

# go_build ARGUMENT...: prints the output of a build that fails.
go_build() {
    local log=$temporary/build.log
    CGO_ENABLED=0 GOWORK=off GOFLAGS='' GOGC=400 nice go build -trimpath -buildvcs=false -mod=readonly "$@" >"$log" 2>&1 || {
        cat "$log" >&2
        fail "the build failed"
    }
    rm "$log"
}

build() {
    local kubernetes package flags=(-s -w)
    kubernetes=$(version k8s.io/kubernetes)
    say "building kubelet, kube-proxy and the controllers $kubernetes, CoreDNS $(version github.com/coredns/coredns) and Prometheus Operator with $(go env GOVERSION) (takes minutes, once)"
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags+=(-X "$package.gitVersion=$kubernetes" -X "$package.gitMajor=1" -X "$package.gitMinor=$(cut -d. -f2 <<<"$kubernetes")")
    done
    go_build -ldflags "${flags[*]}" -o "$temporary/" tool
    go_build -ldflags '-s -w' -o "$temporary/coredns" ./coredns
    cc -static -Os -s -o "$temporary/pause" pause.c
    cd operator
    go_build -ldflags '-s -w' -o "$temporary/" tool
    # Its kinds, permissions and deployment.
    install -m 644 "$(go list -m -f '{{.Dir}}' "$OPERATOR")/bundle.yaml" "$temporary/prometheus-operator.yaml"
    mv "$temporary/operator" "$temporary/prometheus-operator"
}

pinned=$(cat go.mod go.sum operator/go.mod operator/go.sum coredns/main.go pause.c build.sh | sha256sum)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet/cluster-programs/${pinned:0:12}
if [[ ${1:-} == --path ]]; then
    echo "$folder"
    exit
fi
[[ ! -e $folder ]] || exit 0
command -v go >/dev/null || cannot "Go is not on the PATH (https://go.dev/dl)"
mkdir -p "$(dirname "$folder")"
# Another build may have finished while this one waited for the lock.
exec 9>"$folder.lock"
flock 9
[[ ! -e $folder ]] || exit 0
need_sources
temporary=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
(build)
chmod 755 "$temporary"
mv -T "$temporary" "$folder"
say "built $folder ($(du -sh "$folder" | cut -f1))"
