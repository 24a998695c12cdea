#!/usr/bin/env bash
# init.sh FOLDER NODE...: process 1 of the machine of a cluster, which has its own processes, mounts and network:
# nothing that it changes is visible outside, and all of it ends with this process. The machine has the control plane's
# network, and one network for each node, behind a bridge. FOLDER/init has its process id and start time, once it is ready.
set -euo pipefail
readonly folder=$1
shift
# This is still the /proc of the machine around it, so the process id is the one there.
read -r stat </proc/self/stat
pid=${stat%% *}
read -r -a fields <<<"${stat##*) }"
readonly pid start=${fields[19]}

own_files() {
  mount -t proc proc /proc
  mount -t tmpfs tmpfs /run
  mkdir -p "$folder"/var/{cache,lib/volumes,log,tmp} /run/lock
  ln -sfn /run "$folder/var/run"
  mount --bind "$folder/var" /var
}

# The kubelet writes these settings of the whole kernel unless they have the values that it expects: it gets files
# that have them.
settings_of_the_kubelet() {
  local name value file
  mkdir "$folder/sysctl"
  while read -r name value; do
    file=$folder/sysctl/${name//\//.}
    echo "$value" >"$file"
    [ ! -e "/proc/sys/$name" ] || mount --bind "$file" "/proc/sys/$name"
  done <<'SETTINGS'
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
SETTINGS
}

# Nodes are 192.168.77.11 and up, their pods 10.77.1.0/24 and up.
networks() {
  local node number=0
  ip link set lo up
  echo 1 >/proc/sys/net/ipv4/ip_forward
  ip link add nodes0 type bridge
  ip address add 192.168.77.1/24 dev nodes0
  ip link set nodes0 up
  for node; do
    number=$((number + 1))
    ip netns add "$node"
    ip link add "$node" type veth peer name eth0 netns "$node"
    ip link set "$node" master nodes0 up
    ip -n "$node" link set lo up
    ip -n "$node" address add "192.168.77.1$number/24" dev eth0
    ip -n "$node" link set eth0 up
    ip -n "$node" route add default via 192.168.77.1
    nsenter --net="/run/netns/$node" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    ip route add "10.77.$number.0/24" via "192.168.77.1$number"
  done
}

own_files
settings_of_the_kubelet
networks "$@"
echo "$pid $start" >"$folder/init.new"
mv "$folder/init.new" "$folder/init"
# It reaps what other processes leave.
while true; do
  sleep 3600 &
  wait || true
done
