// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <bpf/libbpf.h>

#include "failure.h"

namespace lorikeet {

struct Constant {
    std::string name;
    /// Two's complement.
    uint64_t bits;
    bool negative;
};

struct OpenOptions {
    std::vector<std::pair<std::string, uint32_t>> max_entries;
    std::vector<Constant> constants;
    std::vector<std::string> disabled;
};

/// Applies the options to an object that is not loaded yet. Fails with BPF_OPEN if an option names something missing.
Status Configure(bpf_object *object, const OpenOptions &options);

} // namespace lorikeet
