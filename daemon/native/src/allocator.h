// SPDX-License-Identifier: MIT
#pragma once

namespace lorikeet {

/// Lets the C library's allocator return freed memory to the kernel immediately, where possible, from now on.
void KeepAllocatorSmall();

/// Returns freed memory that the allocator keeps between blocks in use.
void TrimAllocator();

} // namespace lorikeet
