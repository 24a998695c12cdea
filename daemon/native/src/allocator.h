// SPDX-License-Identifier: MIT
#pragma once

namespace lorikeet {

/// Has the C library's allocator give what was freed back to the kernel at once, where it can, from now on.
void KeepAllocatorSmall();

/// Gives back what the allocator has kept of freed memory between pieces that are in use.
void TrimAllocator();

} // namespace lorikeet
