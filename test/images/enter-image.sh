#!/bin/sh
# enter-image.sh TREE CAPABILITIES COMMAND...: becomes COMMAND as the container of an image would run it: TREE as its root,
# read-only but for /var/lib/lorikeet, with this machine's C library below it, as user 65532, to whom no more than
# CAPABILITIES (such as -all,+bpf) can be given. Called in a mount namespace of its own, with which it all ends.
set -eu
tree=$1 capabilities=$2
shift 2
libraries=/usr/lib/$(uname -m)-linux-gnu
# By way of the tree's own etc, as the root is read-only when it is needed.
mkdir -p "$tree/lib" "$tree/lib64" "$tree$libraries" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/etc" "$tree/var/lib/lorikeet"
mount --bind "$tree" "$tree"
for folder in /lib /lib64 "$libraries" /dev; do mount --bind "$folder" "$tree$folder"; done
mount --rbind /sys "$tree/sys"
mount --rbind /proc "$tree/proc"
mount -t tmpfs -o uid=65532,mode=700 state "$tree/var/lib/lorikeet"
# setpriv isn't part of an image, but has to come after chroot, which takes a capability that the program hasn't.
cp "$(command -v setpriv)" "$tree/etc/setpriv"
mount -o remount,bind,ro "$tree"
exec chroot "$tree" /etc/setpriv --reuid=65532 --regid=65532 --clear-groups --inh-caps=-all \
    --bounding-set="$capabilities" -- "$@"
