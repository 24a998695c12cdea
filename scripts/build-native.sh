#!/usr/bin/env bash
# Builds the BPF object (dist/lorikeet.bpf.o), two addons, the interface to the kernel (dist/lorikeet_native.node) and the
# release of memory (dist/lorikeet_memory.node), and the simulation's programs for network faults. Only builds files that
# are older than their sources, and prints them.
set -euo pipefail
cd "$(dirname "$0")/.."
# bpftool is in sbin, which is not on every user's PATH.
PATH="$PATH:/usr/sbin:/sbin"

for tool in clang llvm-strip bpftool g++ make node flock; do
    command -v "$tool" >/dev/null || {
        echo "build-native: $tool is missing (Debian: apt install clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev g++ make)" >&2
        exit 1
    }
done
mkdir -p build/bpf dist
# Concurrent builds would read incomplete files of each other.
exec 9>build/.native.lock
flock 9

# older TARGET SOURCE...: succeeds if the target is missing or older than one of its sources.
older() {
    local target=$1 source
    shift
    [[ -e $target ]] || return 0
    for source in "$@"; do
        [[ $source -nt $target ]] && return 0
    done
    return 1
}

# Replaces a file atomically: a running program may have the old one mapped.
install_file() {
    cp "$1" "$2.$$.tmp"
    mv "$2.$$.tmp" "$2"
}

# -mcpu=v3: 32-bit jumps and atomic exchange, kernel 5.12. On Debian, <asm/types.h> is in the multiarch directory.
# The object's BTF has the sources' paths: leave out where the repository is.
clang_flags=(-target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Wno-unused-parameter -Werror
    -idirafter "/usr/include/$(g++ -dumpmachine)" -fdebug-compilation-dir=.)
# bpftool 7.1 loses maps if an object refers to them before the one that defines them.
shopt -s extglob
objects=()
for source in bpf/maps.bpf.c bpf/!(maps).bpf.c; do
    object=build/bpf/$(basename "$source" .c).o
    objects+=("$object")
    if older "$object" "$source" bpf/*.h bpf/*/*.h "$0"; then
        echo "clang $source"
        clang "${clang_flags[@]}" -c "$source" -o "$object.tmp"
        mv "$object.tmp" "$object"
    fi
done

# The list is a source as well, so that a removed program leaves the object.
printf '%s\n' "${objects[@]}" >build/bpf/objects.tmp
cmp -s build/bpf/objects.tmp build/bpf/objects || cp build/bpf/objects.tmp build/bpf/objects
if older dist/lorikeet.bpf.o build/bpf/objects "${objects[@]}"; then
    echo "link dist/lorikeet.bpf.o"
    bpftool gen object build/bpf/lorikeet.linked "${objects[@]}"
    # Removes DWARF, but keeps BTF, which the kernel and libbpf need.
    llvm-strip -g build/bpf/lorikeet.linked
    install_file build/bpf/lorikeet.linked dist/lorikeet.bpf.o
fi

# The simulation's network faults: BPF programs for packets, and a program that delays them.
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

# build_addon FOLDER NAME: builds the directory's binding.gyp and sources to dist/NAME.node.
build_addon() {
    local folder=$1 built=$1/build/Release/$2.node prefix sources
    mapfile -t sources < <(find "$folder/src" -type f)
    if older "$built" "$folder"/binding.gyp "${sources[@]}" "$0"; then
        # Uses the headers of this Node.js installation, so that nothing is downloaded.
        prefix=$(node -p "path.resolve(process.execPath, '../..')")
        [[ -e $prefix/include/node/node_api.h ]] || {
            echo "build-native: no Node.js headers in $prefix/include/node" >&2
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
