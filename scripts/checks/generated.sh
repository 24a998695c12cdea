#!/usr/bin/env bash
# Generates all files again and fails if a committed one differs: either its source or the file was changed alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
generated=(rules/generated dashboards/generated manifests/generated manifests/prometheus manifests/chart manifests/base manifests/microsim docs/images/lorikeet.svg docs/kernels.md docs/container-metrics.md)
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
cp -r --parents "${generated[@]}" "$before"
npm run --silent generate
status=0
for folder in "${generated[@]}"; do diff -r "$before/$folder" "$folder" || status=1; done
[ "$status" = 0 ] || { printf 'generated files were out of date and have been regenerated: commit them\n' >&2; exit 1; }
