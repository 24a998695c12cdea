// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace lorikeet {

/// Collects libbpf's warnings of this thread while it lives; outside of one they are dropped, never printed.
/// libbpf has one print function for the whole process, and worker threads may open objects at the same time.
class LibbpfLog {
  public:
    LibbpfLog();
    ~LibbpfLog();
    LibbpfLog(const LibbpfLog &) = delete;
    LibbpfLog &operator=(const LibbpfLog &) = delete;

    /// The first warning, on one line: it names the cause, the later ones the consequences.
    std::string FirstWarning() const;

    /// The program that the last warning about any names; empty if there is none.
    std::string LastProgram() const;

  private:
    std::string text_;
    std::string *outer_;
};

} // namespace lorikeet
