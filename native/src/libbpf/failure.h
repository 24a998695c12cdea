// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

namespace lorikeet {

/// Arguments of a BpfError in index.ts.
struct Failure {
    std::string message;
    /// One of BpfErrorCode in error.ts.
    const char *code;
    /// errno, or one of libbpf's own codes; positive.
    int error;
    /// Empty if the verifier wrote no log.
    std::string verifier_log = {};
};

/// Empty on success.
using Status = std::optional<Failure>;

/// EPERM, LIBBPF_ERRNO__FORMAT, or the number if it has no name.
std::string ErrnoName(int error);

/// The message of an error, such as `Operation not permitted`.
std::string ErrnoText(int error);

} // namespace lorikeet
