#!/bin/sh
# enter.sh FOLDER NODE COMMAND...: runs COMMAND in the machine of a cluster, in the network of NODE, or of the control
# plane if NODE is `-`.
set -eu
# nft and runc are in sbin, which isn't in everybody's PATH.
export PATH="$PATH:/usr/sbin:/sbin"
folder=$1 node=$2
shift 2
read -r pid _ <"$folder/init"
while read -r cgroup; do
  [ ! -d "$cgroup/system" ] || echo $$ >"$cgroup/system/cgroup.procs"
done <"$folder/cgroups"
case $node in
  -) net=/proc/$pid/ns/net ;;
  # The file is mounted in the machine alone.
  *) net=/proc/$pid/root/run/netns/$node ;;
esac
# nsenter starts in /.
exec nsenter --target="$pid" --mount --pid --ipc --uts --net="$net" -- \
  sh -c 'cd "$1" && shift && exec "$@"' sh "$PWD" "$@"
