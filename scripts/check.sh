#!/usr/bin/env bash
# Types, lint, format, generated files, rules: all checks that need no kernel. With --fix it formats the files first.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly C_FILES=(bpf/*.[ch] bpf/*/*.[ch] native/src/*/* daemon/native/src/* test/native/*.cc bench/exporter/*/*.[ch] microsim/network-faults/*.c)
step() { printf '== %s\n' "$*"; "$@"; }

case ${1:-} in
    --fix)
        step npx oxfmt
        step clang-format -i "${C_FILES[@]}"
        ;;
    '') ;;
    *) printf 'check: unknown option %s; expected nothing, or --fix\n' "$1" >&2; exit 2 ;;
esac
step npx tsc -p .
step npx tsc -p scripts/preview/page
step npx oxlint --type-aware --deny-warnings
step node scripts/checks/imports.mjs
step npx oxfmt --check
step clang-format --dry-run --Werror "${C_FILES[@]}"
step promtool check rules --lint=all --lint-fatal rules/*.alerts.yaml rules/generated/*.yaml
step promtool test rules rules/tests/*.test.yaml
step bash scripts/checks/generated.sh
