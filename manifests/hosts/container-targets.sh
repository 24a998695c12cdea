#!/usr/bin/env bash
# Writes the running containers of Docker or podman into the exporter's targets file, whenever some have started or ended.
# Needs root, for the runtime and the file; the exporter needs neither.
#
#   container-targets.sh           follows the runtime until it ends, or until it is told to stop
#   container-targets.sh --once    writes the file once
#
# CONTAINERS is the runtime's command, by default docker. TARGETS is the file, by default /etc/lorikeet/targets.yaml; a file that
# lists targets and was not written by this script stays as it is. docs/guides/bare-metal.md explains the names.
set -euo pipefail
read -r -a runtime <<<"${CONTAINERS:-docker}"
readonly runtime targets=${TARGETS:-/etc/lorikeet/targets.yaml} mark='# Written by container-targets.sh.'
# The runtime is asked again after this time, whatever it told.
readonly REFRESH_SECONDS=60
host=$(uname -n)

say() { printf 'container-targets: %s\n' "$*" >&2; }

# One line for each container: process, name, then the labels that name its project and service, then its addresses.
readonly FORMAT='{{.State.Pid}}|{{.Name}}|{{index .Config.Labels "com.docker.compose.project"}}|{{index .Config.Labels "com.docker.stack.namespace"}}|{{index .Config.Labels "com.docker.compose.service"}}|{{index .Config.Labels "com.docker.swarm.service.name"}}|{{range .NetworkSettings.Networks}} {{.IPAddress}} {{.GlobalIPv6Address}}{{end}}'

containers() {
  local ids
  mapfile -t ids < <("${runtime[@]}" ps --quiet --no-trunc)
  # One that has ended since is no error: the others are printed.
  [[ ${#ids[@]} == 0 ]] || "${runtime[@]}" inspect --type container --format "$FORMAT" "${ids[@]}" 2>/dev/null || true
}

# The first of its arguments that can be a label's value as it is.
first_name() {
  local name
  for name; do
    [[ ! $name =~ ^[A-Za-z0-9_./-]{1,200}$ || $name == *'<no value>'* ]] || { printf %s "$name"; return; }
  done
}

# The entry of a container, or nothing if it has ended.
entry() {
  local pid=$1 name=${2#/} cgroup address namespace service list=''
  cgroup=$(sed -n 's/^0:://p' "/proc/$pid/cgroup" 2>/dev/null) || return 0
  [[ -n $cgroup && $cgroup != / ]] || return 0
  # A runtime may put processes into a cgroup below the container's own.
  cgroup=${cgroup%/container}
  namespace=$(first_name "$3" "$4" containers)
  # Swarm's name of a service begins with that of its stack.
  service=$(first_name "$5" "${6#"$4"_}" "$name")
  for address in $7; do list+=", \"$address\""; done
  printf '  - { namespace: "%s", service: "%s", pod: "%s/%s", cgroup: "%s", addresses: [%s] }\n' \
    "$namespace" "$service" "$host" "$name" "${cgroup//[\"\\]/}" "${list#, }"
}

is_ours() { [[ ! -e $targets ]] || head -n 1 "$targets" | grep -qxF "$mark" || grep -qx 'targets: \[\]' "$targets"; }

write() {
  local pid name project stack service swarm addresses
  is_ours || { say "$targets lists targets of yours: set TARGETS to another file, and --targets.file of the exporter with it"; exit 1; }
  {
    echo "$mark"
    echo 'targets:'
    while IFS='|' read -r pid name project stack service swarm addresses; do
      entry "$pid" "$name" "$project" "$stack" "$service" "$swarm" "$addresses"
    done < <(containers)
  } >"$targets.new"
  # YAML's empty list.
  [[ $(wc -l <"$targets.new") -gt 2 ]] || sed -i 's/^targets:$/targets: []/' "$targets.new"
  if cmp -s "$targets.new" "$targets"; then rm "$targets.new"; else chmod 644 "$targets.new" && mv "$targets.new" "$targets"; fi
}

case ${1:-} in
  --once) write; exit ;;
  '') ;;
  *) say "unknown argument $1: expected --once or nothing"; exit 2 ;;
esac
# Followed before the first list, so that nothing is missed in between.
exec 3< <("${runtime[@]}" events --filter type=container --format '{{.ID}}')
write
while :; do
  status=0
  read -r -t "$REFRESH_SECONDS" -u 3 _ || status=$?
  # Above 128: nothing happened. Else the runtime has ended.
  [[ $status == 0 || $status -gt 128 ]] || { say "${runtime[0]} has ended"; exit 1; }
  # What comes at once, as when a project starts, is one change.
  while read -r -t 0.5 -u 3 _; do :; done
  write
done
