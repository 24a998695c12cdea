#!/usr/bin/env bash
# scripts/package/program-tree.sh exporter|scorer|sim FOLDER NODE [DIST]: creates FOLDER with a program, everything that it
# reads, licences and SBOM: the part that images, archives and packages share. NODE is the Node.js that will run it, DIST
# the folder with what was built, by default dist.
set -euo pipefail
cd "$(dirname "$0")/../.."
readonly program=$1 folder=$2 node=$3 dist=${4:-dist}

[ ! -e "$folder" ] || { echo "program-tree: $folder exists" >&2; exit 1; }

# put MODE FILE...: copies files to the same paths below the folder.
put() {
  local mode=$1 file
  shift
  for file in "$@"; do install -D -m "$mode" "$file" "$folder/$file"; done
}

# built MODE NAME...: copies files of DIST to the folder's dist.
built() {
  local mode=$1 name
  shift
  for name in "$@"; do install -D -m "$mode" "$dist/$name" "$folder/dist/$name"; done
}

# The engine has a native library: only copy that of this platform.
put_onnxruntime() {
  local engine=node_modules/onnxruntime-node common=node_modules/onnxruntime-common
  put 644 "$engine"/dist/*.js "$engine/bin/napi-v6/linux/$(node -p process.arch)"/* \
    "$common"/dist/cjs/*.js "$engine/package.json" "$common/package.json"
  [ ! -e "$common/dist/cjs/package.json" ] || put 644 "$common/dist/cjs/package.json"
}

put 644 LICENSE
built 644 package.json
case $program in
  exporter)
    built 755 lorikeet-exporter.js
    built 644 lorikeet.bpf.o lorikeet_native.node lorikeet_memory.node lorikeet-kubeconfig.js
    ;;
  scorer)
    built 755 lorikeet-scorer.js
    built 644 lorikeet-sigv4.js lorikeet-azuread.js lorikeet_memory.node
    put 644 rules/features.yaml rules/features-traces.yaml rules/features-http-status.yaml
    put 644 rules/services.alerts.yaml rules/detectors.alerts.yaml dashboards/generated/*.json
    put 644 models/base.onnx models/base.json models/patterns.json
    put_onnxruntime
    ;;
  sim)
    built 755 lorikeet-sim.js lorikeet-sim-service.js lorikeet-sim-load.js
    built 644 lorikeet-sim-tracing.js
    ;;
  *)
    echo "program-tree: expected exporter, scorer or sim, got $program" >&2
    exit 2
    ;;
esac
node scripts/package/contents/describe.mjs "$program" "$folder" "$node"
