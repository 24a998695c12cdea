// SPDX-License-Identifier: MIT
#include "kernel_refusals.h"

#include <cerrno>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include <sys/eventfd.h>
#include <unistd.h>

// binding.gyp makes the linker redirect libbpf's calls of these two functions here (--wrap).
extern "C" {
int __real_bpf_prog_load(bpf_prog_type type, const char *name, const char *license, const bpf_insn *instructions,
                         size_t count, const bpf_prog_load_opts *options);
int __wrap_bpf_prog_load(bpf_prog_type type, const char *name, const char *license, const bpf_insn *instructions,
                         size_t count, const bpf_prog_load_opts *options);
int __real_bpf_map_create(bpf_map_type type, const char *name, __u32 key_size, __u32 value_size, __u32 max_entries,
                          const bpf_map_create_opts *options);
int __wrap_bpf_map_create(bpf_map_type type, const char *name, __u32 key_size, __u32 value_size, __u32 max_entries,
                          const bpf_map_create_opts *options);
}

namespace lorikeet {
namespace {

/// Bytes. Enough for the end of a log, which has the reason.
constexpr size_t kLogBytes = 1 << 20;

thread_local KernelRefusals *current = nullptr;

} // namespace

KernelRefusals::KernelRefusals(std::set<std::string> programs) : programs_(std::move(programs)), outer_(current) {
    current = this;
}

KernelRefusals::~KernelRefusals() {
    current = outer_;
}

bool KernelRefusals::Watches(const char *name) const {
    return name != nullptr && programs_.count(name) != 0;
}

int KernelRefusals::Load(bpf_prog_type type, const char *name, const char *license, const bpf_insn *instructions,
                         size_t count, const bpf_prog_load_opts *options) {
    const int fd = __real_bpf_prog_load(type, name, license, instructions, count, options);
    if (fd >= 0 || !Watches(name))
        return fd;
    // Load again for the verifier's log, as libbpf does.
    std::vector<char> log(kLogBytes);
    bpf_prog_load_opts verbose = *options;
    verbose.log_level = 1;
    verbose.log_buf = log.data();
    verbose.log_size = log.size();
    const int again = __real_bpf_prog_load(type, name, license, instructions, count, &verbose);
    if (again >= 0)
        return again;
    // Without a descriptor for the placeholder the whole object cannot be loaded.
    const int empty = eventfd(0, EFD_CLOEXEC);
    if (empty < 0)
        return -errno;
    refused_[name] = {-fd, log.data()};
    return empty;
}

int KernelRefusals::Created(const char *name, int result) {
    if (name == nullptr)
        return result;
    if (result < 0)
        refused_maps_[name] = -result;
    else
        refused_maps_.erase(name);
    return result;
}

int ProbeBpf() {
    const int fd =
        __real_bpf_map_create(BPF_MAP_TYPE_ARRAY, "lorikeet_probe", sizeof(uint32_t), sizeof(uint32_t), 1, nullptr);
    if (fd < 0)
        return -fd;
    close(fd);
    const bpf_insn nothing[] = {{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    const int program = __real_bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "lorikeet_probe", "MIT", nothing,
                                             std::size(nothing), nullptr);
    if (program < 0)
        return -program;
    close(program);
    return 0;
}

} // namespace lorikeet

int __wrap_bpf_prog_load(bpf_prog_type type, const char *name, const char *license, const bpf_insn *instructions,
                         size_t count, const bpf_prog_load_opts *options) {
    return lorikeet::current != nullptr ? lorikeet::current->Load(type, name, license, instructions, count, options)
                                        : __real_bpf_prog_load(type, name, license, instructions, count, options);
}

int __wrap_bpf_map_create(bpf_map_type type, const char *name, __u32 key_size, __u32 value_size, __u32 max_entries,
                          const bpf_map_create_opts *options) {
    const int result = __real_bpf_map_create(type, name, key_size, value_size, max_entries, options);
    return lorikeet::current != nullptr ? lorikeet::current->Created(name, result) : result;
}
