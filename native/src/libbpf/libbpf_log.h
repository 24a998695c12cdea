// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace lorikeet {

/// Collects libbpf's warnings on this thread for its lifetime; all other warnings are dropped, never printed. libbpf
/// has one print function for the whole process, and worker threads may open objects at the same time.
class LibbpfLog {
  public:
    LibbpfLog();
    ~LibbpfLog();
    LibbpfLog(const LibbpfLog &) = delete;
    LibbpfLog &operator=(const LibbpfLog &) = delete;

    /// The first warning, on one line: it has the cause, later ones have consequences.
    std::string FirstWarning() const;

    /// The program named in the last warning about a program; empty if there is none.
    std::string LastProgram() const;

  private:
    std::string text_;
    std::string *outer_;
};

} // namespace lorikeet
