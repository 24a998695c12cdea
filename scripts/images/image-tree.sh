#!/usr/bin/env bash
# scripts/images/image-tree.sh exporter|scorer|sim FOLDER: creates FOLDER with the files that the program's image adds to
# its base: Node.js, the program, its dependencies and its SBOM. manifests/images/Dockerfile calls it after
# `npm run build`.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PATH:/usr/sbin:/sbin"
readonly image=$1 folder=$2
readonly home=$folder/usr/lib/lorikeet node=$folder/usr/local/bin/node

[ ! -e "$folder" ] || { echo "image-tree: $folder exists" >&2; exit 1; }

# put MODE FILE...: copies files to the same paths below $home.
put() {
  local mode=$1 file
  shift
  for file in "$@"; do install -D -m "$mode" "$file" "$home/$file"; done
}

# The engine has a native library: only copy that of this platform.
put_onnxruntime() {
  local engine=node_modules/onnxruntime-node common=node_modules/onnxruntime-common file
  for file in "$engine"/dist/*.js "$engine/bin/napi-v6/linux/$(node -p process.arch)"/* \
    "$common"/dist/cjs/*.js "$engine/package.json" "$common/package.json"; do
    put 644 "$file"
  done
  [ ! -e "$common/dist/cjs/package.json" ] || put 644 "$common/dist/cjs/package.json"
}

install -D -m 755 "$(node -p process.execPath)" "$node"
put 644 LICENSE dist/package.json
case $image in
  exporter)
    put 755 dist/lorikeet-exporter.js
    put 644 dist/lorikeet.bpf.o dist/lorikeet_native.node dist/lorikeet_memory.node dist/lorikeet-kubeconfig.js
    # In a container, users other than root get capabilities only from the file. Permitted, not effective: the program
    # makes those effective that the pod was granted, which need not be all.
    setcap cap_bpf,cap_perfmon=p "$node"
    ;;
  scorer)
    put 755 dist/lorikeet-scorer.js
    put 644 dist/lorikeet-sigv4.js dist/lorikeet-azuread.js
    put 644 dist/lorikeet_memory.node rules/features.yaml rules/features-traces.yaml rules/features-http-status.yaml
    put 644 rules/services.alerts.yaml rules/detectors.alerts.yaml dashboards/generated/*.json
    put 644 models/base.onnx models/base.json
    put_onnxruntime
    install -d -m 700 -o 65532 -g 65532 "$folder/var/lib/lorikeet"
    ;;
  sim)
    put 755 dist/lorikeet-sim.js dist/lorikeet-sim-service.js dist/lorikeet-sim-load.js
    put 644 dist/lorikeet-sim-tracing.js
    ;;
  *)
    echo "image-tree: expected exporter, scorer or sim, got $image" >&2
    exit 2
    ;;
esac
node scripts/images/image-sbom.mjs "$image" >"$home/sbom.spdx.json"
chmod 644 "$home/sbom.spdx.json"
