#!/usr/bin/env bash
# scripts/image-tree.sh exporter|scorer|sim FOLDER: puts into FOLDER, which must not exist, all that the program's image has
# above its base: Node, the program, what it needs, and its SBOM. manifests/images/Dockerfile calls it after `npm run build`.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin:/sbin"
readonly image=$1 folder=$2
readonly home=$folder/usr/lib/lorikeet node=$folder/usr/local/bin/node

[ ! -e "$folder" ] || { echo "image-tree: $folder exists" >&2; exit 1; }

# put MODE FILE...: into the same place below $home.
put() {
  local mode=$1 file
  shift
  for file in "$@"; do install -D -m "$mode" "$file" "$home/$file"; done
}

# The engine's library is native: the one of this platform, of five that the package has.
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
    # To any user but 0 a container gives capabilities only by a file that has them. Permitted, not effective: the
    # program takes those into effect that the pod was granted too, and needn't be granted all.
    setcap cap_bpf,cap_perfmon,cap_net_admin=p "$node"
    ;;
  scorer)
    put 755 dist/lorikeet-scorer.js
    put 644 dist/lorikeet_memory.node rules/features.yaml rules/features-traces.yaml rules/services.alerts.yaml
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
node scripts/image-sbom.mjs "$image" >"$home/sbom.spdx.json"
chmod 644 "$home/sbom.spdx.json"
