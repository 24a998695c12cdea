// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lorikeet {

/// Takes every capability from every thread of the process but those of the mask (bit n: capability n), for good: an
/// executed program doesn't get them back either. What a thread wasn't permitted, it doesn't get; what it keeps is in
/// effect. Returns 0 or an errno.
int LimitCapabilities(uint64_t keep);

} // namespace lorikeet
