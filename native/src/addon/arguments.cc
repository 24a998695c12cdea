// SPDX-License-Identifier: MIT
#include "arguments.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lorikeet {
namespace {

std::vector<std::string> ToStrings(const Napi::Array &array) {
    std::vector<std::string> strings;
    for (uint32_t i = 0; i < array.Length(); i++)
        strings.push_back(array.Get(i).As<Napi::String>());
    return strings;
}

} // namespace

OpenOptions ToOptions(const Napi::Array &max_entries, const Napi::Array &constants, const Napi::Array &disabled) {
    OpenOptions options;
    options.disabled = ToStrings(disabled);
    for (uint32_t i = 0; i < max_entries.Length(); i++) {
        const auto pair = max_entries.Get(i).As<Napi::Array>();
        options.max_entries.emplace_back(pair.Get(0U).As<Napi::String>(),
                                         pair.Get(1U).As<Napi::Number>().Uint32Value());
    }
    for (uint32_t i = 0; i < constants.Length(); i++) {
        const auto pair = constants.Get(i).As<Napi::Array>();
        const auto value = pair.Get(1U).As<Napi::BigInt>();
        bool fits_signed = false;
        bool fits_unsigned = false;
        const int64_t as_signed = value.Int64Value(&fits_signed);
        const uint64_t as_unsigned = value.Uint64Value(&fits_unsigned);
        const bool negative = !fits_unsigned;
        options.constants.push_back(
            {pair.Get(0U).As<Napi::String>(), negative ? static_cast<uint64_t>(as_signed) : as_unsigned, negative});
    }
    return options;
}

} // namespace lorikeet
