// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

struct bpf_map;

namespace lorikeet {

/// Rows of a map, packed: count * key size bytes of keys.
template <typename Value> struct Rows {
    size_t count = 0;
    std::vector<uint8_t> keys;
    std::vector<Value> values;
};

bool IsPerCpu(const bpf_map *map);

/// All rows of a per-CPU map of u64 words, summed over the possible CPUs. Returns 0 or an errno.
int ReadSums(const bpf_map *map, Rows<double> &rows);

/// All rows of a plain map. Returns 0 or an errno.
int ReadPlain(const bpf_map *map, Rows<uint8_t> &rows);

} // namespace lorikeet
