// SPDX-License-Identifier: MIT
#pragma once

#include <napi.h>

#include "../libbpf/open_options.h"

namespace lorikeet {

/// The options of index.ts: pairs of name and number, pairs of name and BigInt, and a list of names.
OpenOptions ToOptions(const Napi::Array &max_entries, const Napi::Array &constants, const Napi::Array &disabled);

} // namespace lorikeet
