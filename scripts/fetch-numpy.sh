#!/usr/bin/env bash
# Fetches numpy by pip into a virtual environment of its own, outside the repository: the networks' forward passes are
# tested against formulas written with it. Says what it fetches; with nothing to do it is silent.
#
#   scripts/fetch-numpy.sh           fetches it if missing; exit status 3: not possible on this machine
#   scripts/fetch-numpy.sh --path    only prints the interpreter, whether it exists or not
set -euo pipefail
export HOME=${HOME:-~}
readonly NUMPY=2.2.6
readonly FOLDER=${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet/numpy/$NUMPY
readonly NOT_HERE=3

say() { printf 'numpy: %s\n' "$*"; }
cannot() {
    say "NOT FETCHED, so the tests against it are skipped: $*" >&2
    exit "$NOT_HERE"
}

if [[ ${1:-} == --path ]]; then
    echo "$FOLDER/bin/python"
    exit
fi
# The last file that is written: an environment without it was cut off.
readonly DONE=$FOLDER/complete
[[ ! -e $DONE ]] || exit 0
command -v python3 >/dev/null || cannot "there is no Python 3 on the PATH"
say "fetching numpy $NUMPY"
rm -rf "$FOLDER"
python3 -m venv "$FOLDER" >/dev/null 2>&1 || cannot "python3 -m venv fails (Debian: apt-get install python3-venv)"
"$FOLDER/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: "numpy==$NUMPY" ||
    cannot "pip cannot install it"
touch "$DONE"
