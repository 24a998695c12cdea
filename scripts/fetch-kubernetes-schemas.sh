#!/usr/bin/env bash
# Fetches the schemas against which the manifests are checked without a server: those of the oldest supported
# Kubernetes, and of Prometheus Operator's kinds. Both are parts of Go modules, so Go fetches and verifies them; they
# are kept outside the repository. Prints what it fetches, and nothing if there is nothing to do.
#
#   scripts/fetch-kubernetes-schemas.sh           fetches missing schemas; exit status 3: not possible on this machine
#   scripts/fetch-kubernetes-schemas.sh --path    only prints the directory, even if it does not exist
set -euo pipefail
# The directory in Go's installation instructions, which is not on the PATH of every CI shell.
export PATH="$PATH:/usr/local/go/bin"
# Not set for every service, but required by Go.
export HOME=${HOME:-~}
readonly KUBERNETES=k8s.io/kubernetes@v1.22.17
readonly OPERATOR=github.com/prometheus-operator/prometheus-operator@v0.85.0
readonly FOLDER=${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet/kubernetes-schemas/1.22.17-0.85.0
readonly NOT_HERE=3

say() { printf 'kubernetes-schemas: %s\n' "$*"; }
fail() { say "$@" >&2; exit 1; }
cannot() {
    say "NOT FETCHED, so the checks against them are skipped: ${*//$'\n'/ }" >&2
    exit "$NOT_HERE"
}

# value KEY: reads the value of a key from Go's JSON, which has one entry per line.
value() { sed -n "s/^\t\"$1\": \"\(.*\)\",\?\$/\1/p" | sed 's/\\"/"/g'; }

# fetch MODULE FILE...: copies files of a module into the working directory.
fetch() {
    local module=$1 answer error
    shift
    say "fetching $module"
    answer=$(cd / && GOFLAGS='' go mod download -json "$module" 2>&1) || {
        # A wrong checksum is an error, not a missing module proxy.
        [[ $answer != *'SECURITY ERROR'* ]] || fail "$answer"
        error=$(value Error <<<"$answer")
        cannot "${error:-$answer}"
    }
    python3 - "$(value Zip <<<"$answer")" "$module" "$@" <<'PYTHON'
import sys, zipfile

archive, module, *files = sys.argv[1:]
with zipfile.ZipFile(archive) as opened:
    for file in files:
        with open(file.rsplit('/', 1)[1], 'wb') as target:
            target.write(opened.read(f'{module}/{file}'))
PYTHON
}

if [[ ${1:-} == --path ]]; then
    echo "$FOLDER"
    exit
fi
[[ ! -e $FOLDER ]] || exit 0
command -v go >/dev/null || cannot "Go is not on the PATH (https://go.dev/dl)"
command -v python3 >/dev/null || cannot "Python 3 is not on the PATH"
mkdir -p "$(dirname "$FOLDER")"
temporary=$(mktemp -d "$FOLDER.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
cd "$temporary"
fetch "$KUBERNETES" api/openapi-spec/swagger.json
fetch "$OPERATOR" example/prometheus-operator-crd/monitoring.coreos.com_{podmonitors,prometheusrules}.yaml
chmod 755 "$temporary"
mv -T "$temporary" "$FOLDER"
