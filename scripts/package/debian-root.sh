#!/usr/bin/env bash
# scripts/package/debian-root.sh SUITE [PACKAGES]: makes a root file system of a Debian release, with further packages
# (separated by commas), once, as an archive below ~/.cache/lorikeet, and prints its path. Needs root and debootstrap.
set -euo pipefail
readonly suite=$1 packages=${2:-} cache=${XDG_CACHE_HOME:-$HOME/.cache}/lorikeet
readonly archive=$cache/debian-$suite${packages:+-${packages//,/-}}.tar

if [ ! -e "$archive" ]; then
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/.debian.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  debootstrap --variant=minbase ${packages:+--include="$packages"} "$suite" "$work/root" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >&2
  tar --numeric-owner -C "$work/root" -cf "$work/root.tar" .
  mv "$work/root.tar" "$archive"
fi
echo "$archive"
