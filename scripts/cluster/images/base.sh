#!/usr/bin/env bash
# base.sh ARCHIVE: writes the root file system that the images of a cluster are based on: this Debian's C and C++ libraries
# and nothing else, as the base of manifests/images/Dockerfile has them, which no cluster of tests can fetch.
set -euo pipefail
readonly archive=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

dpkg-query -L libc6 libgcc-s1 libstdc++6 | while read -r path; do
  # Not the directories: tar would take everything below them.
  [ -d "$path" ] || echo "${path#/}"
done | sort -u >"$work/files"
mkdir -p "$work/root"/{etc,home/nonroot} && install -d -m 1777 "$work/root/tmp"
printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$work/root/etc/passwd"
printf 'hosts: files dns\n' >"$work/root/etc/nsswitch.conf"
tar -C / -cf "$archive" --exclude='usr/share/*' -T "$work/files"
tar -C "$work/root" -rf "$archive" --owner=0 --group=0 .
