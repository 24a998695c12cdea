// SPDX-License-Identifier: MIT
#pragma once

namespace lorikeet {

/// Releases the mapped pages of the program and of every library. The kernel maps those still needed again from its
/// page cache. Breakpoints set in those pages are lost. Returns 0 or an errno.
int ReleaseProgramPages();

} // namespace lorikeet
