// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lorikeet {

/// Drops all capabilities except those in the mask (bit n: capability n) from every thread of the process, permanently:
/// executed programs do not regain them. A thread gains no capability that was not permitted; those that it keeps
/// become effective. Returns 0 or an errno.
int LimitCapabilities(uint64_t keep);

} // namespace lorikeet
