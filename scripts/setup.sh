#!/usr/bin/env bash
# Sets up the requirements of `npm run demo` and `npm test`: missing Debian packages, npm packages from the lock file,
# the BPF object, the addons, the programs. Prints what it installs, and nothing if there is nothing to do.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin:/sbin"

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

check_machine() {
  [ "$(uname -s)" = Linux ] || fail "Linux is required, this is $(uname -s)"
  [ "$(id -u)" = 0 ] || fail "root is required to install packages and to load BPF programs: run it as root or with sudo"
  command -v node >/dev/null || fail "Node.js 20.19 or later is required, but it is not on the PATH"
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "Node.js 20.19 or later is required, this is $(node --version)"
  [ -e /sys/kernel/btf/vmlinux ] || fail "the kernel has no BTF: /sys/kernel/btf/vmlinux is missing (CONFIG_DEBUG_INFO_BTF)"
  local release major minor
  release=$(uname -r) major=${release%%.*} minor=${release#*.} minor=${minor%%[!0-9]*}
  [ "$major" -gt 5 ] || { [ "$major" = 5 ] && [ "$minor" -ge 12 ]; } ||
    fail "Linux 5.12 or later is required (docs/kernels.md), this is $release"
}

debian_packages() {
  local wanted=(clang clang-format llvm bpftool libbpf-dev libelf-dev zlib1g-dev g++ make python3 iproute2 nftables procps util-linux strace openssl curl git groff-base prometheus prometheus-alertmanager victoria-metrics jsonnet)
  local missing=()
  for name in "${wanted[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || fail "missing: ${missing[*]} (installed automatically only on Debian, with apt-get)"
  say "installing Debian packages: ${missing[*]}"
  # Only install programs, without starting services on their default ports.
  local started
  started=$(systemctl is-active prometheus prometheus-alertmanager victoria-metrics 2>/dev/null || true)
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
  if [ -d /run/systemd/system ] && ! grep -q '^active' <<<"$started"; then
    systemctl disable --now prometheus prometheus-alertmanager victoria-metrics >/dev/null 2>&1 || true
  fi
}

node_packages() {
  local stamp=node_modules/.lorikeet-lock
  cmp -s package-lock.json "$stamp" && return 0
  # npm would empty the target of the link.
  [ ! -L node_modules ] || fail "node_modules is a symbolic link: remove it, or install where it leads"
  say "npm ci"
  # onnxruntime-node's install script would download GPU libraries; the CPU library is inside the package.
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
}

check_machine
debian_packages
node_packages
bash scripts/build-native.sh
node scripts/build.mjs --if-changed
