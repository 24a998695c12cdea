#!/usr/bin/env bash
# scripts/images/image-tree.sh exporter|scorer|sim FOLDER [NODE [DIST]]: creates FOLDER with the files that the program's
# image adds to its base: NODE, by default the running Node.js, the program, its dependencies, licences and SBOM. DIST is
# the folder with what was built, by default dist.
# manifests/images/Dockerfile calls it after scripts/build.mjs.
set -euo pipefail
cd "$(dirname "$0")/../.."
umask 022
export PATH="$PATH:/usr/sbin:/sbin"
readonly image=$1 folder=$2 binary=${3:-$(node -p process.execPath)} dist=${4:-dist}
readonly node=$folder/usr/local/bin/node

[ ! -e "$folder" ] || { echo "image-tree: $folder exists" >&2; exit 1; }

bash scripts/package/program-tree.sh "$image" "$folder/usr/lib/lorikeet" "$binary" "$dist"
install -D -m 755 "$binary" "$node"
case $image in
  # In a container, users other than root get capabilities only from the file. Permitted, not effective: the program
  # makes those effective that the pod was granted, which need not be all.
  exporter) setcap cap_bpf,cap_perfmon=p "$node" ;;
  scorer) install -d -m 700 -o 65532 -g 65532 "$folder/var/lib/lorikeet" ;;
esac
