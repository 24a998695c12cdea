#!/bin/sh
# enter-root.sh ROOT COMMAND...: runs COMMAND in the root file system ROOT, with this machine's kernel. Call it in a new
# mount namespace.
set -eu
root=$1
shift
for folder in /proc /sys /dev; do mount --rbind "$folder" "$root$folder"; done
exec chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \
    DEBIAN_FRONTEND=noninteractive "$@"
