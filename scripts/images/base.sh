#!/usr/bin/env bash
# scripts/images/base.sh ARCHIVE: writes a base for the images of manifests/images/Dockerfile where no registry can be
# asked for its own: this Debian's C and C++ libraries with their licences, and a user 65532, without shell and package
# manager. All times are SOURCE_DATE_EPOCH, by default 0.
set -euo pipefail
readonly archive=$1 epoch=${SOURCE_DATE_EPOCH:-0}
umask 022
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

root=$work/root
mkdir -p "$root"/{etc,home/nonroot}
install -d -m 1777 "$root/tmp"
printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$root/etc/passwd"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
# GCC's libraries share the documentation of one more package.
common=$(basename "$(readlink /usr/share/doc/libgcc-s1)")
dpkg-query -L libc6 libgcc-s1 libstdc++6 "$common" | sort -u | while read -r path; do
  case $path in
    /usr/share/doc/*/copyright | /usr/share/doc/libgcc-s1 | /usr/share/doc/libstdc++6) ;;
    /usr/share/*) continue ;;
    # Not the directories, nor links to them: tar would take everything below them.
    *) [ ! -d "$path" ] || continue ;;
  esac
  echo "${path#/}"
done >"$work/files"
tar -C / -cf - -T "$work/files" | tar -C "$root" -xpf -
tar -C "$root" -cf "$archive" --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=gnu .
