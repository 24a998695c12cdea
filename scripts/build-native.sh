#!/usr/bin/env bash
# Builds what isn't TypeScript: the BPF object (dist/lorikeet.bpf.o) and two addons, what speaks to the kernel
# (dist/lorikeet_native.node) and what gives memory back (dist/lorikeet_memory.node). And what the simulation breaks networks with.
# Does only what is older than its sources, and says what it does.
set -euo pipefail
cd "$(dirname "$0")/.."
# bpftool is in sbin, which isn't in everybody's PATH.
PATH="$PATH:/usr/sbin:/sbin"

for tool in clang llvm-strip bpftool g++ make node flock; do
    command -v "$tool" >/dev/null || {
        echo "build-native: $tool is missing (Debian: apt install clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev g++ make)" >&2
        exit 1
    }
done
mkdir -p build/bpf dist
# Two builds at once would read each other's half-written files.
exec 9>build/.native.lock
flock 9

# older TARGET SOURCE...: whether the target is missing or older than one of its sources.
older() {
    local target=$1 source
    shift
    [[ -e $target ]] || return 0
    for source in "$@"; do
        [[ $source -nt $target ]] && return 0
    done
    return 1
}

# Replaces a file at once: a running program may have the old one mapped.
install_file() {
    cp "$1" "$2.$$.tmp"
    mv "$2.$$.tmp" "$2"
}

# -mcpu=v3: 32-bit jumps and atomic exchange, kernel 5.12. The multiarch folder holds <asm/types.h> on Debian.
clang_flags=(-target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Wno-unused-parameter -Werror
    -idirafter "/usr/include/$(g++ -dumpmachine)")
# bpftool 7.1 loses maps that an object mentions before the one that defines them.
shopt -s extglob
objects=()
for source in bpf/maps.bpf.c bpf/!(maps).bpf.c; do
    object=build/bpf/$(basename "$source" .c).o
    objects+=("$object")
    if older "$object" "$source" bpf/*.h "$0"; then
        echo "clang $source"
        clang "${clang_flags[@]}" -c "$source" -o "$object.tmp"
        mv "$object.tmp" "$object"
    fi
done

# The list is a source as well: a program that was removed must leave the object.
printf '%s\n' "${objects[@]}" >build/bpf/objects.tmp
cmp -s build/bpf/objects.tmp build/bpf/objects || cp build/bpf/objects.tmp build/bpf/objects
if older dist/lorikeet.bpf.o build/bpf/objects "${objects[@]}"; then
    echo "link dist/lorikeet.bpf.o"
    bpftool gen object build/bpf/lorikeet.linked "${objects[@]}"
    # DWARF goes; BTF, which the kernel and libbpf need, stays.
    llvm-strip -g build/bpf/lorikeet.linked
    install_file build/bpf/lorikeet.linked dist/lorikeet.bpf.o
fi

# What the simulation needs to break a network: programs for packets, and one that holds them.
sim=microsim/network-faults
if older dist/lorikeet-sim.bpf.o $sim/packets.bpf.c "$0"; then
    echo "clang $sim/packets.bpf.c"
    clang "${clang_flags[@]}" -c $sim/packets.bpf.c -o build/bpf/sim.tmp
    llvm-strip -g build/bpf/sim.tmp
    install_file build/bpf/sim.tmp dist/lorikeet-sim.bpf.o
fi
if older dist/lorikeet-sim-delay $sim/delay.c "$0"; then
    echo "clang $sim/delay.c"
    clang -O2 -Wall -Wextra -Werror $sim/delay.c -lm -o build/lorikeet-sim-delay
    install_file build/lorikeet-sim-delay dist/lorikeet-sim-delay
fi

# build_addon FOLDER NAME: from the binding.gyp and sources of the folder to dist/NAME.node.
build_addon() {
    local folder=$1 built=$1/build/Release/$2.node prefix
    if older "$built" "$folder"/binding.gyp "$folder"/src/* "$0"; then
        # The headers that came with this node, so that nothing is downloaded.
        prefix=$(node -p "path.resolve(process.execPath, '../..')")
        [[ -e $prefix/include/node/node_api.h ]] || {
            echo "build-native: no Node headers in $prefix/include/node" >&2
            exit 1
        }
        echo "node-gyp $folder"
        node_modules/.bin/node-gyp rebuild -C "$folder" --nodedir="$prefix" >build/node-gyp.log 2>&1 || {
            cat build/node-gyp.log >&2
            exit 1
        }
    fi
    if older "dist/$2.node" "$built"; then
        echo "copy dist/$2.node"
        install_file "$built" "dist/$2.node"
    fi
}
build_addon native lorikeet_native
build_addon daemon/native lorikeet_memory
