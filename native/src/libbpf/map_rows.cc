// SPDX-License-Identifier: MIT
#include "map_rows.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace lorikeet {
namespace {

/// The kernel's ENOTSUPP, returned for a map type without batches.
constexpr int kNotSupported = 524;
constexpr size_t kWord = sizeof(uint64_t);

/// Bytes of values read in one call: large enough to make system calls negligible, small enough to reuse memory that is
/// already mapped. Page faults for a megabyte cost more than reading a map.
constexpr size_t kBatchBytes = 128 << 10;

/// Layout of a row from the kernel: a per-CPU map has a value for every possible CPU, each padded to whole words.
struct Layout {
    int fd;
    size_t key_size;
    size_t row_size;
    size_t max_entries;
};

using Visit = std::function<void(const uint8_t *keys, const uint8_t *values, size_t count)>;

size_t BatchRows(const Layout &layout) {
    const size_t rows = std::clamp<size_t>(kBatchBytes / layout.row_size, 16, 4096);
    return std::min(rows, layout.max_entries);
}

/// One system call for many rows (since kernel 5.6). A hash is read bucket by bucket, each once.
int VisitBatches(const Layout &layout, const Visit &visit) {
    size_t batch = BatchRows(layout);
    // A hash's token is a u32, an array's is its key.
    std::vector<uint8_t> token(std::max(layout.key_size, sizeof(uint32_t)));
    std::vector<uint8_t> next_token(token.size());
    std::vector<uint8_t> keys(batch * layout.key_size);
    std::vector<uint8_t> values(batch * layout.row_size);
    for (bool first = true;;) {
        uint32_t count = batch;
        const int error = -bpf_map_lookup_batch(layout.fd, first ? nullptr : token.data(), next_token.data(),
                                                keys.data(), values.data(), &count, nullptr);
        if (error == ENOSPC) {
            // A bucket has more rows than the buffer.
            batch *= 2;
            keys.resize(batch * layout.key_size);
            values.resize(batch * layout.row_size);
            continue;
        }
        if (error != 0 && error != ENOENT)
            return error;
        visit(keys.data(), values.data(), count);
        if (error == ENOENT)
            return 0;
        token.swap(next_token);
        first = false;
    }
}

int VisitOneByOne(const Layout &layout, const Visit &visit) {
    std::vector<uint8_t> key(layout.key_size);
    std::vector<uint8_t> next_key(layout.key_size);
    std::vector<uint8_t> row(layout.row_size);
    int error = -bpf_map_get_next_key(layout.fd, nullptr, next_key.data());
    // Bounded: the kernel restarts from the beginning if the key was deleted in the meantime.
    for (size_t seen = 0; error == 0 && seen < layout.max_entries; seen++) {
        key.swap(next_key);
        const int missing = -bpf_map_lookup_elem(layout.fd, key.data(), row.data());
        if (missing == 0)
            visit(key.data(), row.data(), 1);
        else if (missing != ENOENT)
            return missing;
        error = -bpf_map_get_next_key(layout.fd, key.data(), next_key.data());
    }
    return error == ENOENT ? 0 : error;
}

int VisitRows(const Layout &layout, const Visit &visit) {
    bool any = false;
    const int error = VisitBatches(layout, [&](const uint8_t *keys, const uint8_t *values, size_t count) {
        any = true;
        visit(keys, values, count);
    });
    if (!any && (error == kNotSupported || error == EOPNOTSUPP || error == EINVAL))
        return VisitOneByOne(layout, visit);
    return error;
}

} // namespace

bool IsPerCpu(const bpf_map *map) {
    switch (bpf_map__type(map)) {
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
        return true;
    default:
        return false;
    }
}

int ReadSums(const bpf_map *map, Rows<double> &rows) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 0)
        return -cpus;
    const size_t key_size = bpf_map__key_size(map);
    const size_t value_size = bpf_map__value_size(map);
    if (!IsPerCpu(map) || value_size % kWord != 0)
        return EINVAL;
    const size_t words = value_size / kWord;
    const Layout layout = {bpf_map__fd(map), key_size, value_size * cpus, bpf_map__max_entries(map)};
    std::vector<uint64_t> sums(words);
    return VisitRows(layout, [&](const uint8_t *keys, const uint8_t *values, size_t count) {
        rows.keys.insert(rows.keys.end(), keys, keys + count * key_size);
        rows.count += count;
        for (size_t row = 0; row < count; row++) {
            std::fill(sums.begin(), sums.end(), 0);
            for (int cpu = 0; cpu < cpus; cpu++) {
                for (size_t word = 0; word < words; word++, values += kWord) {
                    uint64_t value;
                    std::memcpy(&value, values, kWord);
                    sums[word] += value;
                }
            }
            rows.values.insert(rows.values.end(), sums.begin(), sums.end());
        }
    });
}

int ReadPlain(const bpf_map *map, Rows<uint8_t> &rows) {
    const size_t key_size = bpf_map__key_size(map);
    const size_t value_size = bpf_map__value_size(map);
    if (IsPerCpu(map) || key_size == 0 || value_size == 0)
        return EINVAL;
    const Layout layout = {bpf_map__fd(map), key_size, value_size, bpf_map__max_entries(map)};
    return VisitRows(layout, [&](const uint8_t *keys, const uint8_t *values, size_t count) {
        rows.keys.insert(rows.keys.end(), keys, keys + count * key_size);
        rows.values.insert(rows.values.end(), values, values + count * value_size);
        rows.count += count;
    });
}

} // namespace lorikeet
