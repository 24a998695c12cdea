#!/usr/bin/env bash
# janitor.sh FOLDER            waits until its standard input ends, which the owner of the cluster holds, and removes the
#                              cluster: also if the owner was killed
# janitor.sh --former PARENT   removes the clusters in PARENT whose owners have ended, and which no janitor removed
#
# What there is to remove is recorded in FOLDER: `owner` and `init`, each a process id with its start time, and `cgroups`.
# Everything else of a cluster ends with its processes.
set -uo pipefail

say() { printf 'cluster: %s\n' "$*" >&2; }

# started PID: when a process started, in clock ticks since boot, because ids are reused. Nothing if it has ended, also if
# its parent doesn't know yet.
started() {
  local stat fields
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
  read -r -a fields <<<"${stat##*) }"
  [[ ${fields[0]} != [ZX] ]] || return 0
  echo "${fields[19]}"
}

# running FILE: prints the process id that FILE records if that process still runs, else fails.
running() {
  local pid start
  read -r pid start 2>/dev/null <"$1" && [[ -n $start && $(started "$pid") == "$start" ]] && echo "$pid"
}

processes_in() { find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null; }

# remove_cgroup PATH: ends the processes in the cgroup and below, and removes it.
remove_cgroup() {
  local attempt
  for attempt in {1..150}; do
    [[ -e $1 ]] || return 0
    processes_in "$1" | xargs -r kill -KILL 2>/dev/null
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
    [[ ! -e $1 ]] || sleep 0.1
  done
  say "cannot remove $1: processes $(processes_in "$1" | tr '\n' ' ')"
  return 1
}

remove() {
  local folder=$1 pid cgroup status=0
  exec 9<"$folder/owner" || return 0
  flock 9
  # Process 1 of the machine takes all others with it, and they its mounts and networks.
  if pid=$(running "$folder/init"); then kill -KILL "$pid"; fi
  while read -r cgroup; do remove_cgroup "$cgroup" || status=1; done < <(cat "$folder/cgroups" 2>/dev/null)
  # Without its record, what is left would never be found.
  [[ $status != 0 ]] || rm -rf --one-file-system "$folder"
  exec 9<&-
  return "$status"
}

case $1 in
  --former)
    status=0
    for folder in "$2"/lorikeet-cluster-*; do
      [[ -f $folder/owner ]] && ! running "$folder/owner" >/dev/null || continue
      say "removing $folder, whose owner has ended"
      remove "$folder" || status=1
    done
    exit "$status"
    ;;
  *)
    cat >/dev/null
    remove "$1"
    ;;
esac
