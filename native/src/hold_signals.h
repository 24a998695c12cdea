// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>

namespace lorikeet {

/// Keeps signals from this thread while it lives; they come afterwards, or to another thread at once. The verifier
/// gives up with EAGAIN when a signal waits for its thread, and libbpf when that has happened five times. Not held back
/// are those of a fault of the thread's own.
class HoldSignals {
  public:
    HoldSignals() {
        sigset_t held;
        sigfillset(&held);
        for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS})
            sigdelset(&held, fault);
        pthread_sigmask(SIG_BLOCK, &held, &before_);
    }
    ~HoldSignals() {
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    HoldSignals(const HoldSignals &) = delete;
    HoldSignals &operator=(const HoldSignals &) = delete;

  private:
    sigset_t before_ = {};
};

} // namespace lorikeet
