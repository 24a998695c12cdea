#!/usr/bin/env bash
# Types, lint, format, generated files, rules: all checks that need no kernel.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { printf '== %s\n' "$*"; "$@"; }
step npx tsc -p .
step npx tsc -p scripts/preview/page
step npx oxlint --type-aware --deny-warnings
step node scripts/checks/imports.mjs
step npx oxfmt --check
step clang-format --dry-run --Werror bpf/*.[ch] bpf/*/*.[ch] native/src/*/* daemon/native/src/* test/native/*.cc bench/exporter/*/*.[ch] microsim/network-faults/*.c
step promtool check rules --lint=all --lint-fatal rules/*.alerts.yaml rules/generated/*.yaml
step promtool test rules rules/tests/*.test.yaml
step bash scripts/checks/generated.sh
