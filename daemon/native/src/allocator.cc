// SPDX-License-Identifier: MIT
#include "allocator.h"

#include <malloc.h>

namespace lorikeet {

// Other C libraries' allocators have no such limits.

void KeepAllocatorSmall() {
#ifdef __GLIBC__
    // glibc's limits grow with the largest block that was ever freed, so one answer of megabytes leaves every thread
    // with an arena of that size; setting a limit keeps them where they are.
    constexpr int limit = 256 * 1024;
    mallopt(M_MMAP_THRESHOLD, limit);
    mallopt(M_TRIM_THRESHOLD, limit);
    mallopt(M_ARENA_MAX, 1);
#endif
}

void TrimAllocator() {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

} // namespace lorikeet
