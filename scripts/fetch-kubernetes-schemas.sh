#!/usr/bin/env bash
# Fetches what the manifests are checked against without a server: the schema of the oldest Kubernetes that they are made for,
# and Prometheus Operator's own kinds. Both are parts of Go modules, so that Go fetches and verifies them; they are kept
# outside the repository. Says what it fetches; with nothing to do it is silent.
#
#   scripts/fetch-kubernetes-schemas.sh           fetches what is missing; exit status 3: that isn't possible here
#   scripts/fetch-kubernetes-schemas.sh --path    only prints the folder, whether it exists or not
set -euo pipefail
# Where Go's installation instructions put it; not every shell of a CI has it on its PATH.
export PATH="$PATH:/usr/local/go/bin"
# Not every service has it, and Go wants it as well.
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

# value KEY: of what Go says in JSON, an entry a line.
value() { sed -n "s/^\t\"$1\": \"\(.*\)\",\?\$/\1/p" | sed 's/\\"/"/g'; }

# fetch MODULE FILE...: files of a module, into the present folder.
fetch() {
    local module=$1 answer error
    shift
    say "fetching $module"
    answer=$(cd / && GOFLAGS='' go mod download -json "$module" 2>&1) || {
        # A wrong checksum isn't for want of a module proxy.
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
command -v go >/dev/null || cannot "there is no Go on the PATH (https://go.dev/dl)"
command -v python3 >/dev/null || cannot "there is no Python 3 on the PATH"
mkdir -p "$(dirname "$FOLDER")"
temporary=$(mktemp -d "$FOLDER.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
cd "$temporary"
fetch "$KUBERNETES" api/openapi-spec/swagger.json
fetch "$OPERATOR" example/prometheus-operator-crd/monitoring.coreos.com_{podmonitors,prometheusrules}.yaml
chmod 755 "$temporary"
mv -T "$temporary" "$FOLDER"
