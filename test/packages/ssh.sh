#!/bin/sh
# ssh.sh CGROUP ADDRESS COMMAND: runs COMMAND as root's shell would after `ssh ADDRESS`, in the container that systemd-nspawn
# started in the cgroup CGROUP/host<n> for the address 192.168.77.1<n>.
set -eu
address=${2#*@}
read -r pid <"$1/host${address#192.168.77.1}/payload/init.scope/cgroup.procs"
exec nsenter --target="$pid" --all -- /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  HOME=/root sh -c "$3"
