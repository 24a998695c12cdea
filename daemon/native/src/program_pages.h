// SPDX-License-Identifier: MIT
#pragma once

namespace lorikeet {

/// Gives back the memory in which pages of the files are mapped that the process runs: the program and every library.
/// The kernel maps again, from its page cache, what is still needed; breakpoints that were set in those pages are gone.
/// Returns 0 or an errno.
int ReleaseProgramPages();

} // namespace lorikeet
