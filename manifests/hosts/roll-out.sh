#!/usr/bin/env bash
# Installs, upgrades or downgrades the exporter on any number of Debian or Ubuntu machines with ssh: first on one, and only if
# that is well on the others, several at a time. Run it again after a failure, or for another version: it is idempotent.
#
#   roll-out.sh [--canaries=1] [--parallel=10] [--scheme=http] [--port=9400] HOSTS PACKAGE
#   roll-out.sh --print-targets [--port=9400] HOSTS     the machines as a file of Prometheus' file_sd_configs
#
# HOSTS is a file with a line for each machine, as ssh takes it: a name, an address or user@name; `#` begins a comment. A user
# other than root needs sudo without a password. PACKAGE is lorikeet-exporter_<version>_<architecture>.deb. LORIKEET_SSH is the
# command in place of `ssh -o BatchMode=yes -o ConnectTimeout=10`. curl asks each machine from here, as Prometheus will.
#
# Exit status 0: all machines are well. 1: some are not; each has a line that says why. 2: wrong usage.
set -euo pipefail

readonly LIMIT_SECONDS=300 READY_SECONDS=60
canaries=1 parallel=10 scheme=http port=9400 print_targets='' one=''

usage() { sed -n 's/^#   \(roll-out.sh.*\)/usage: \1/p' "$0" >&2; [ $# = 0 ] || echo "roll-out: $*" >&2; exit 2; }
count() { [[ $2 =~ ^[0-9]+$ ]] || usage "$1: expected a number, got \"$2\""; }

while [[ ${1:-} == --* ]]; do
  case $1 in
    --canaries=*) canaries=${1#*=} && count --canaries "$canaries" ;;
    --parallel=*) parallel=${1#*=} && count --parallel "$parallel" ;;
    --port=*) port=${1#*=} && count --port "$port" ;;
    --scheme=http | --scheme=https) scheme=${1#*=} ;;
    --print-targets) print_targets=yes ;;
    # Its own call for one machine.
    --one=*) one=${1#*=} ;;
    *) usage "unknown flag $1" ;;
  esac
  shift
done

# Runs on the machine; the package arrives as its standard input. $1: its SHA-256.
# shellcheck disable=SC2016 # It is the machine's shell that expands it.
readonly INSTALL='set -eu
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
folder=$(mktemp -d) && trap "rm -rf $folder" EXIT
chmod 755 "$folder"
cat >"$folder/package.deb"
echo "$1  $folder/package.deb" | sha256sum --check --status || { echo "the package did not arrive whole" >&2; exit 1; }
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends --allow-downgrades \
  "$folder/package.deb" >"$folder/log" 2>&1 || { tail -n 3 "$folder/log" >&2; exit 1; }
systemctl is-active --quiet lorikeet-exporter || {
  echo "the service does not run: $(as_root journalctl --identifier=lorikeet-exporter --lines=1 --output=cat)" >&2
  exit 1
}
lorikeet-exporter --version | head -n 1'

# Prints what is wrong with a machine, or nothing. 401: it serves, with a password.
unready() {
  local status deadline=$((SECONDS + READY_SECONDS))
  while :; do
    status=$(curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' "$scheme://$1:$port/-/ready" || true)
    [[ $status != 200 && $status != 401 ]] || return 0
    [[ $SECONDS -lt $deadline ]] || break
    sleep 1
  done
  echo "$scheme://$1:$port/-/ready: status $status from here (000: not reachable)"
}

install_on() {
  local host=$1 package=$2 output ssh sum problem
  read -r -a ssh <<<"${LORIKEET_SSH:-ssh -o BatchMode=yes -o ConnectTimeout=10}"
  sum=$(sha256sum <"$package")
  # It has no single quotes.
  if ! output=$(timeout "$LIMIT_SECONDS" "${ssh[@]}" "$host" "sh -c '$INSTALL' sh ${sum%% *}" <"$package" 2>&1); then
    echo "$host: FAILED: ${output##*$'\n'}"
    return 1
  fi
  output=${output##*$'\n'} problem=$(unready "${host#*@}")
  [[ -z $problem ]] || { echo "$host: FAILED: $problem"; return 1; }
  echo "$host: well: $output"
}

hosts() { sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$1"; }

if [[ -n $one ]]; then
  install_on "$one" "$1"
  exit
fi
[[ -r ${1:-} ]] || usage 'expected a file of hosts'
mapfile -t all < <(hosts "$1")
[[ ${#all[@]} -gt 0 ]] || usage "$1 names no host"
if [[ -n $print_targets ]]; then
  echo '- targets:'
  for host in "${all[@]}"; do echo "    - ${host#*@}:$port"; done
  exit
fi
[[ -r ${2:-} && $# == 2 ]] || usage 'expected a file of hosts and a package'

for host in "${all[@]:0:canaries}"; do
  install_on "$host" "$2" || { echo 'roll-out: stopped: no other machine was touched'; exit 1; }
done
rest=("${all[@]:canaries}")
[[ ${#rest[@]} -gt 0 ]] || exit 0
# xargs: status 123 if a machine failed.
printf '%s\n' "${rest[@]}" | xargs --max-procs="$parallel" --replace={} \
  bash "$0" --scheme="$scheme" --port="$port" --one={} "$2" || { echo 'roll-out: some machines FAILED, see above'; exit 1; }
echo "roll-out: all ${#all[@]} machines are well"
