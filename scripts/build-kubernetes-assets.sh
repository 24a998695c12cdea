#!/usr/bin/env bash
# Builds the programs for tests against a real Kubernetes API server: etcd, kube-apiserver, kubectl and helm, with Go
# from the Go module proxy, in the versions of scripts/kubernetes-assets/go.mod. They are kept outside the repository,
# in one directory for each go.mod, so each version is built once. Prints what it builds, and nothing if there is
# nothing to do.
#
#   scripts/build-kubernetes-assets.sh           builds missing programs; exit status 3: no Go, or no sources
#   scripts/build-kubernetes-assets.sh --path    only prints the directory, even if it does not exist
#
# KUBEBUILDER_ASSETS, as in controller-runtime's envtest, is a directory with other builds; then nothing is built.
set -euo pipefail
cd "$(dirname "$0")/kubernetes-assets"
# The directory in Go's installation instructions, which is not on the PATH of every CI shell.
export PATH="$PATH:/usr/local/go/bin"
# Not set for every service, but required by Go.
export HOME=${HOME:-~}
readonly CANNOT=3

say() { printf 'kubernetes-assets: %s\n' "$*"; }
fail() { say "$@" >&2; exit 1; }
# For missing requirements of the machine. A failed build is an error.
cannot() { say "NOT BUILT, so tests against a Kubernetes API server are skipped: ${*//$'\n'/ }" >&2; exit "$CANNOT"; }

assets_folder() {
    local pinned
    pinned=$(cat go.mod go.sum | sha256sum)
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet/kubernetes/${pinned:0:12}"
}

# complete FOLDER: succeeds if it has the required programs. envtest's directories have no helm: use the one on the
# PATH.
complete() { [[ -x $1/etcd && -x $1/kube-apiserver && -x $1/kubectl ]]; }

version() { go list -m -f '{{.Version}}' "$1"; }

# The largest module shows whether the Go module proxy is reachable. A wrong checksum is an error.
need_sources() {
    local error
    error=$(go mod download k8s.io/kubernetes 2>&1) && return 0
    [[ $error != *'SECURITY ERROR'* ]] || fail "$error"
    cannot "$error"
}

# build FOLDER: builds into a temporary directory next to it, which is renamed when complete.
build() {
    local temporary kubernetes helm package flags=(-s -w) log
    kubernetes=$(version k8s.io/kubernetes) helm=$(version helm.sh/helm/v4)
    say "building kube-apiserver and kubectl $kubernetes, etcd $(version go.etcd.io/etcd/server/v3) and helm $helm with $(go env GOVERSION) (takes minutes, once)"
    # Set by their own Makefiles: clients request the server's version, and charts use it through helm.
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags+=(-X "$package.gitVersion=$kubernetes" -X "$package.gitMajor=1" -X "$package.gitMinor=$(cut -d. -f2 <<<"$kubernetes")")
    done
    flags+=(-X "helm.sh/helm/v4/internal/version.version=$helm")
    temporary=$(mktemp -d "$1.XXXXXX")
    trap "rm -rf '$temporary'" EXIT
    log=$temporary/build.log
    # Without C, only Go's own linker is needed. GOGC: fewer collections, for speed. `tool`: the programs in go.mod.
    CGO_ENABLED=0 GOWORK=off GOFLAGS='' GOGC=400 nice go build -trimpath -buildvcs=false -mod=readonly -ldflags "${flags[*]}" \
        -o "$temporary/" tool >"$log" 2>&1 || {
        cat "$log" >&2
        fail "the build failed"
    }
    rm "$log"
    # Go names a program after its package's directory.
    mv "$temporary/server" "$temporary/etcd"
    chmod 755 "$temporary"
    mv "$temporary" "$1"
    say "built $1 ($(du -sh "$1" | cut -f1))"
}

if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
    folder=$KUBEBUILDER_ASSETS
else
    folder=$(assets_folder)
fi
if [[ ${1:-} == --path ]]; then
    echo "$folder"
    exit
fi
complete "$folder" && exit
[[ -z ${KUBEBUILDER_ASSETS:-} ]] || fail "KUBEBUILDER_ASSETS=$folder lacks etcd, kube-apiserver or kubectl"
command -v go >/dev/null || cannot "Go is not on the PATH (https://go.dev/dl)"
mkdir -p "$(dirname "$folder")"
# Another build may have finished while this one waited for the lock.
exec 9>"$folder.lock"
flock 9
complete "$folder" && exit
need_sources
build "$folder"
