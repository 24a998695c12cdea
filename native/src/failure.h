// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

namespace lorikeet {

/// What a BpfError of index.ts is made from.
struct Failure {
    std::string message;
    /// One of BpfErrorCode in error.ts.
    const char *code;
    /// errno, or one of libbpf's own codes; positive.
    int error;
    /// Empty if the verifier said nothing.
    std::string verifier_log = {};
};

/// Nothing if it went well.
using Status = std::optional<Failure>;

/// EPERM, LIBBPF_ERRNO__FORMAT, or the number where it has no name.
std::string ErrnoName(int error);

/// A sentence for people: `Operation not permitted`.
std::string ErrnoText(int error);

} // namespace lorikeet
