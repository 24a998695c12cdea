#!/usr/bin/env bash
# Builds what the tests against a real Kubernetes API server run: etcd, kube-apiserver, kubectl and helm, by Go from the
# Go module proxy, in the versions of scripts/kubernetes-assets/go.mod. They are kept outside the repository, in a folder
# of their own for each go.mod, so that a build is needed once. Says what it builds; with nothing to do it is silent.
#
#   scripts/build-kubernetes-assets.sh           builds what is missing; exit status 3: no Go to build it with, or no sources
#   scripts/build-kubernetes-assets.sh --path    only prints the folder, whether it exists or not
#
# KUBEBUILDER_ASSETS, as in controller-runtime's envtest, names a folder with other builds of them; nothing is built then.
set -euo pipefail
cd "$(dirname "$0")/kubernetes-assets"
# Where Go's installation instructions put it; not every shell of a CI has it on its PATH.
export PATH="$PATH:/usr/local/go/bin"
# Not every service has it, and Go wants it as well.
export HOME=${HOME:-~}
readonly CANNOT=3

say() { printf 'kubernetes-assets: %s\n' "$*"; }
fail() { say "$@" >&2; exit 1; }
# For what the machine lacks. A build that fails is a failure.
cannot() { say "NOT BUILT, so tests against a Kubernetes API server are skipped: ${*//$'\n'/ }" >&2; exit "$CANNOT"; }

assets_folder() {
    local pinned
    pinned=$(cat go.mod go.sum | sha256sum)
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet/kubernetes/${pinned:0:12}"
}

# complete FOLDER: whether it holds what the tests can't do without. envtest's folders have no helm: the PATH's is taken.
complete() { [[ -x $1/etcd && -x $1/kube-apiserver && -x $1/kubectl ]]; }

version() { go list -m -f '{{.Version}}' "$1"; }

# The largest of the modules tells whether the Go module proxy is within reach. A wrong checksum isn't for want of it.
need_sources() {
    local error
    error=$(go mod download k8s.io/kubernetes 2>&1) && return 0
    [[ $error != *'SECURITY ERROR'* ]] || fail "$error"
    cannot "$error"
}

# build FOLDER: into a temporary folder beside it that takes its name when all is there.
build() {
    local temporary kubernetes helm package flags=(-s -w) log
    kubernetes=$(version k8s.io/kubernetes) helm=$(version helm.sh/helm/v4)
    say "building kube-apiserver and kubectl $kubernetes, etcd $(version go.etcd.io/etcd/server/v3) and helm $helm with $(go env GOVERSION) (takes minutes, once)"
    # What their own Makefiles set: clients ask the server for its version, and charts ask for it through helm.
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags+=(-X "$package.gitVersion=$kubernetes" -X "$package.gitMajor=1" -X "$package.gitMinor=$(cut -d. -f2 <<<"$kubernetes")")
    done
    flags+=(-X "helm.sh/helm/v4/internal/version.version=$helm")
    temporary=$(mktemp -d "$1.XXXXXX")
    trap "rm -rf '$temporary'" EXIT
    log=$temporary/build.log
    # Without C there is nothing to link with but Go's own linker. GOGC: the compiler is done before it has to save memory.
    # `tool`: the programs that go.mod names.
    CGO_ENABLED=0 GOWORK=off GOFLAGS='' GOGC=400 nice go build -trimpath -buildvcs=false -mod=readonly -ldflags "${flags[*]}" \
        -o "$temporary/" tool >"$log" 2>&1 || {
        cat "$log" >&2
        fail "the build failed"
    }
    rm "$log"
    # Go names a program after its package's folder.
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
command -v go >/dev/null || cannot "there is no Go on the PATH (https://go.dev/dl)"
mkdir -p "$(dirname "$folder")"
# A build that waited for another one's end has nothing left to do.
exec 9>"$folder.lock"
flock 9
complete "$folder" && exit
need_sources
build "$folder"
