// SPDX-License-Identifier: MIT
#include "allocator.h"

#include <malloc.h>

namespace lorikeet {

// The allocators of other C libraries have no such thresholds.

void KeepAllocatorSmall() {
#ifdef __GLIBC__
    // glibc's thresholds grow with the largest block ever freed: after one response of megabytes, every thread keeps an
    // arena of that size. Setting a threshold disables this.
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
