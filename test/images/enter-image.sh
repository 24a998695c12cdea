#!/bin/sh
# enter-image.sh TREE CAPABILITIES COMMAND...: runs COMMAND like the container of an image: with TREE as its root,
# read-only except for /var/lib/lorikeet, with this machine's C library, as user 65532, and with at most CAPABILITIES
# (such as
# -all,+bpf). Call it in a new mount namespace.
set -eu
tree=$1 capabilities=$2
shift 2
libraries=/usr/lib/$(uname -m)-linux-gnu
# Mounted in the tree's etc, because the root is already read-only when it is needed.
mkdir -p "$tree/lib" "$tree/lib64" "$tree$libraries" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/etc" "$tree/var/lib/lorikeet"
mount --bind "$tree" "$tree"
for folder in /lib /lib64 "$libraries" /dev; do mount --bind "$folder" "$tree$folder"; done
mount --rbind /sys "$tree/sys"
mount --rbind /proc "$tree/proc"
mount -t tmpfs -o uid=65532,mode=700 state "$tree/var/lib/lorikeet"
# setpriv is not in the image, but must run after chroot, which needs a capability that the program does not have.
cp "$(command -v setpriv)" "$tree/etc/setpriv"
mount -o remount,bind,ro "$tree"
exec chroot "$tree" /etc/setpriv --reuid=65532 --regid=65532 --clear-groups --inh-caps=-all \
    --bounding-set="$capabilities" -- "$@"
