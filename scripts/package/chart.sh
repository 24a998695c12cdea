#!/usr/bin/env bash
# scripts/package/chart.sh [FOLDER]: packages the Helm chart of manifests/chart as FOLDER/lorikeet and as
# FOLDER/lorikeet-<version>.tgz; FOLDER is relative to the repository, by default build/chart. A chart can't read files outside
# its folder, so the script copies the rules, scrape configurations, monitors and dashboards into it. It needs neither Node nor
# Helm. The same sources make the same archive, byte for byte.
set -euo pipefail
cd "$(dirname "$0")/../.."
readonly chart=manifests/chart folder=${1:-build/chart}
readonly files=(manifests/prometheus/{config-maps,detector-config-maps}.yaml
  manifests/generated/{dashboards,detector-rules,pod-monitors,prometheus-rules}.yaml)

version=$(sed -n 's/^version: *//p' "$chart/Chart.yaml")
rm -rf "$folder/lorikeet" "$folder"/lorikeet-*.tgz
mkdir -p "$folder/lorikeet/files"
cp -R "$chart/." "$folder/lorikeet"
cp "${files[@]}" "$folder/lorikeet/files"

# Only GNU tar sorts. Helm installs the folder as well.
tar --version | grep -q GNU || { echo "chart: no archive: GNU tar is missing" >&2; exit 0; }
tar --exclude-from="$chart/.helmignore" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
  --format=ustar -C "$folder" -cf - lorikeet | gzip -n9 >"$folder/lorikeet-$version.tgz"
