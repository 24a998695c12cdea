#!/usr/bin/env bash
# Installs and builds what a cluster of two nodes needs: Debian's containerd, runc, network plugins and buildah, and, with
# Go, Kubernetes, CoreDNS, Prometheus and its operator. Without a part of it, it says so, and ends with status 0: the tests in a
# cluster are then skipped. Prints nothing if there is nothing to do.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PATH:/usr/sbin:/sbin"
readonly CANNOT=3
readonly PACKAGES=(containerd runc containernetworking-plugins buildah)

say() { printf 'cluster: %s\n' "$*" >&2; }

debian_packages() {
  local name missing=() started
  for name in "${PACKAGES[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  # Docker's own package has containerd too, and conflicts with Debian's.
  if ! command -v apt-get >/dev/null; then
    say "missing: ${missing[*]} (installed automatically only on Debian, with apt-get)"
    return 0
  fi
  say "installing Debian packages: ${missing[*]}"
  # Only the programs: a cluster starts its own.
  started=$(systemctl is-active containerd 2>/dev/null || true)
  apt-get update -qq
  if ! DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null; then
    say "NOT INSTALLED: ${missing[*]}"
    return 0
  fi
  if [ -d /run/systemd/system ] && [ "$started" != active ]; then systemctl disable --now containerd >/dev/null 2>&1 || true; fi
}

debian_packages
bash scripts/build-kubernetes-assets.sh || [ $? = "$CANNOT" ]
# Debian's Prometheus is built without the service discovery that Prometheus Operator configures.
bash scripts/build-prometheus.sh || [ $? = "$CANNOT" ]
bash scripts/cluster/programs/build.sh || [ $? = "$CANNOT" ]
