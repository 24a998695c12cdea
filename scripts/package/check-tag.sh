#!/usr/bin/env bash
# scripts/package/check-tag.sh v<version>: prints the section of CHANGELOG.md about this version. Fails unless the tag is the
# version of package.json and the chart, and has such a section.
set -euo pipefail
cd "$(dirname "$0")/../.."
readonly tag=$1 version=${1#v}
fail() { echo "check-tag: $*" >&2; exit 1; }

own=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
[ "$tag" = "v$own" ] || fail "package.json: expected version $version, got $own"
for key in version appVersion; do
  got=$(sed -n "s/^$key: *//p" manifests/chart/Chart.yaml)
  [ "$got" = "$version" ] || fail "manifests/chart/Chart.yaml: $key: expected $version, got $got"
done
notes=$(awk -v heading="## $version" '/^## / { on = ($0 == heading || index($0, heading " ") == 1); next } on' CHANGELOG.md)
[ -n "$notes" ] || fail "CHANGELOG.md: expected a section \"## $version\""
printf '%s\n' "$notes"
