// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>

namespace lorikeet {

/// Blocks signals on this thread for its lifetime; they are delivered later, or to another thread. The verifier returns
/// EAGAIN if a signal is pending, and libbpf gives up after five of these. Signals of the thread's own faults are not
/// blocked. On Linux, sigprocmask() is about the calling thread; pthread_sigmask() has another version since
/// glibc 2.32.
class HoldSignals {
  public:
    HoldSignals() {
        sigset_t held;
        sigfillset(&held);
        for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS})
            sigdelset(&held, fault);
        sigprocmask(SIG_BLOCK, &held, &before_);
    }
    ~HoldSignals() {
        sigprocmask(SIG_SETMASK, &before_, nullptr);
    }
    HoldSignals(const HoldSignals &) = delete;
    HoldSignals &operator=(const HoldSignals &) = delete;

  private:
    sigset_t before_ = {};
};

} // namespace lorikeet
