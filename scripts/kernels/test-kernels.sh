#!/usr/bin/env bash
# Runs the kernel tests on other kernels: boots each of Debian's kernel packages under qemu without KVM, in lockdown
# (integrity), with this machine's files as a read-only root and an overlay in memory. Exit status 0: all passed.
#
#   scripts/kernels/test-kernels.sh [package]...     for example linux-image-6.1.0-56-amd64
#   LORIKEET_UPDATE_INSTRUCTIONS=1           updates test/kernel/verified-instructions.json for those kernels
#   LORIKEET_KERNEL_TESTS="file..."          runs other test files
set -euo pipefail
cd "$(dirname "$0")/../.."
readonly CACHE=$PWD/build/kernels
readonly MODULES=(virtio_pci 9pnet_virtio 9p overlay veth tcp_diag loop sch_ingress cls_bpf)
readonly TESTS=${LORIKEET_KERNEL_TESTS:-test/kernel/programs.test.ts test/kernel/requests.test.ts test/kernel/held.test.ts test/kernel/client-wait.test.ts test/kernel/roles.test.ts test/kernel/connections.test.ts test/kernel/unanswered.test.ts test/kernel/protocols/tls.test.ts test/kernel/segments.test.ts test/kernel/sockets.test.ts test/kernel/shares.test.ts test/kernel/container.test.ts test/kernel/udp.test.ts test/kernel/refusals test/exporter/container.test.ts test/exporter/privileges.test.ts test/kernel/half-closed.test.ts test/kernel/mptcp.test.ts test/kernel/splice.test.ts test/kernel/protocols/http2-status.test.ts test/kernel/protocols/http2.test.ts test/kernel/protocols/protocols.test.ts}
# Without KVM, a CPU is about 15 times slower.
readonly BOOT_SECONDS=1800 TEST_MILLISECONDS=240000

say() { printf 'test-kernels: %s\n' "$*"; }
fail() { printf 'test-kernels: %s\n' "$*" >&2; exit 1; }

install_tools() {
    local missing=() name
    for name in qemu-system-x86 busybox-static cpio; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
    done
    ((${#missing[@]} > 0)) || return 0
    say "installing Debian packages: ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

# The newest kernel of each series in the configured repositories: linux-image-amd64, linux-image-6.12-amd64, ...
# Cloud kernels have the same sources, but not 9p, which is needed to share files.
newest_packages() {
    local meta
    for meta in $(apt-cache pkgnames linux-image- | grep -E '^linux-image-([0-9.]+-)?amd64$' | sort); do
        apt-cache depends "$meta" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p'
    done
}

# fetch PACKAGE: downloads its files once, to $CACHE/PACKAGE.
fetch() {
    local folder=$CACHE/$1
    [[ -e $folder/complete ]] && return 0
    say "downloading $1"
    rm -rf "$folder"
    mkdir -p "$folder"
    (cd "$folder" && apt-get -qq -o APT::Sandbox::User=root download "$1" && dpkg-deb -x ./*.deb . && rm ./*.deb)
    touch "$folder/complete"
}

# add_module NAME FROM TO: copies the module and its dependencies; TO/order has them in load order.
add_module() {
    local name=$1 from=$2 to=$3 file needed
    grep -qx "$name" "$to/order" && return 0
    file=$(find "$from" -name "${name//_/[-_]}.ko*" -print -quit)
    [[ -n $file ]] || return 0 # part of the kernel itself
    case $file in
    *.xz) xz -dc "$file" >"$to/$name.ko" ;;
    *.zst) zstd -qdc "$file" >"$to/$name.ko" ;;
    *) cp "$file" "$to/$name.ko" ;;
    esac
    for needed in $(tr '\0' '\n' <"$to/$name.ko" | sed -n 's/^depends=//p' | tr ',' ' '); do
        add_module "${needed//-/_}" "$from" "$to"
    done
    echo "$name" >>"$to/order"
}

# initramfs MODULES FILE: packs busybox, the modules and scripts/kernels/test-kernels-init.sh.
initramfs() {
    local folder name
    folder=$(mktemp -d "$CACHE/initramfs.XXXXXX")
    mkdir -p "$folder"/{bin,dev,proc,sys,modules,host,memory,root}
    cp /bin/busybox "$folder/bin/busybox"
    cp scripts/kernels/test-kernels-init.sh "$folder/init"
    chmod +x "$folder/init"
    : >"$folder/modules/order"
    for name in "${MODULES[@]}"; do add_module "$name" "$1" "$folder/modules"; done
    (cd "$folder" && find . | cpio -o -H newc --quiet) | gzip -1 >"$2"
    rm -rf "$folder"
}

# snapshot FOLDER: copies the files that the tests read, so that a concurrent build does not disturb them.
snapshot() {
    mkdir -p "$1"
    tar -c --exclude=./node_modules --exclude=./build --exclude=./native/build --exclude=./.git . | tar -x -C "$1"
    ln -s "$(realpath node_modules)" "$1/node_modules"
}

# boot PACKAGE: succeeds if the tests pass.
boot() {
    local folder=$CACHE/$1 kernel results=$CACHE/$1/results
    kernel=$(find "$folder/boot" -name 'vmlinuz-*' -print -quit)
    rm -rf "$results"
    mkdir -p "$results"
    snapshot "$results/tree"
    initramfs "$folder" "$folder/initramfs.gz"
    pwd -P >"$results/repository"
    {
        printf 'cd %q\n' "$results/tree"
        printf 'export CI=1 NO_COLOR=1 LORIKEET_REFUSALS=few PATH=%q LORIKEET_UPDATE_INSTRUCTIONS=%q\n' "$PATH" "${LORIKEET_UPDATE_INSTRUCTIONS:-}"
        printf 'node node_modules/vitest/vitest.mjs run --test-timeout=%d --hook-timeout=%d %s\n' \
            "$TEST_MILLISECONDS" "$TEST_MILLISECONDS" "$TESTS"
        echo 'status=$?'
        [[ -z ${LORIKEET_UPDATE_INSTRUCTIONS:-} ]] || echo 'cp test/kernel/verified-instructions.json /mnt/'
        echo 'exit $status'
    } >"$results/run.sh"
    # One thread for both CPUs: with two, one CPU may execute an instruction while the other patches it, and attaching a
    # tracepoint then stops the kernel (Oops: int3).
    timeout --foreground "$BOOT_SECONDS" qemu-system-x86_64 -accel tcg,thread=single -cpu max -smp 2 -m 3G \
        -kernel "$kernel" -initrd "$folder/initramfs.gz" -append 'console=ttyS0 quiet panic=-1 lockdown=integrity' \
        -nodefaults -no-reboot -display none -serial stdio \
        -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
        -virtfs "local,path=$results,mount_tag=results,security_model=none" </dev/null | sed -u 's,\r$,,' || return 1
    [[ $(cat "$results/status" 2>/dev/null) == 0 ]]
}

[[ $(uname -m) == x86_64 ]] || fail "only available on x86_64, this is $(uname -m)"
install_tools
bash scripts/build-native.sh
packages=("$@")
((${#packages[@]} > 0)) || mapfile -t packages < <(newest_packages)
((${#packages[@]} > 0)) || fail "no kernel packages in the configured repositories: apt-get update?"
failed=()
for package in "${packages[@]}"; do
    fetch "$package"
    say "booting $package"
    boot "$package" || failed+=("$package")
    instructions=$CACHE/$package/results/verified-instructions.json
    [[ ! -e $instructions ]] || cp "$instructions" test/kernel/verified-instructions.json
    rm -rf "$CACHE/$package/results/tree"
done
((${#failed[@]} == 0)) || fail "failed on ${failed[*]}"
say "passed on ${packages[*]}"
