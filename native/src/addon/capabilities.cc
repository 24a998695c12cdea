// SPDX-License-Identifier: MIT
#include "capabilities.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <mutex>
#include <set>

#include <dirent.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Capabilities are per thread, and Node.js has about a dozen threads. As the C library does for setuid(), this sends
// each thread a signal whose handler makes the system call. It must be the C library's own signal: Node.js' threads
// block all others.
namespace lorikeet {
namespace {

/// The C library's SIGSETXID, which no thread can block.
constexpr int kBroadcastSignal = 33;
constexpr std::chrono::seconds kThreadTime{5};

/// The argument of the rt_sigaction system call; the C library's sigaction() refuses its internal signals.
struct KernelAction {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)();
    uint64_t mask;
};

std::mutex one_at_a_time;
/// A futex; 1 once the signalled thread has answered. The C library's semaphores have other versions since glibc 2.34.
std::atomic<uint32_t> answered{0};
static_assert(sizeof(answered) == sizeof(uint32_t), "the kernel waits for 32 bits");
std::atomic<uint64_t> kept{0};
std::atomic<int> failure{0};

int ExchangeAction(int signal, const KernelAction *action, KernelAction *old) {
    return syscall(SYS_rt_sigaction, signal, action, old, sizeof(action->mask)) == 0 ? 0 : errno;
}

int LimitThread(uint64_t keep) {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
    if (syscall(SYS_capget, &header, sets) != 0)
        return errno;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        const auto mask = static_cast<uint32_t>(keep >> (i * 32));
        sets[i].permitted &= mask;
        sets[i].effective = sets[i].permitted;
        // This clears the ambient set as well.
        sets[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, sets) != 0)
        return errno;
    // Otherwise the next exec as root, or of a file with capabilities, would bring them back.
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

void OnBroadcast(int, siginfo_t *, void *) {
    const int interrupted = errno;
    if (const int error = LimitThread(kept))
        failure = error;
    answered = 1;
    syscall(SYS_futex, &answered, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    errno = interrupted;
}

/// A kernel action that calls OnBroadcast, with the restorer that the C library sets for every handler.
int MakeAction(KernelAction &action) {
    struct sigaction ours = {};
    struct sigaction before = {};
    ours.sa_sigaction = OnBroadcast;
    ours.sa_flags = SA_SIGINFO | SA_RESTART;
    sigfillset(&ours.sa_mask);
    if (sigaction(SIGRTMAX, &ours, &before) != 0)
        return errno;
    const int error = ExchangeAction(SIGRTMAX, nullptr, &action);
    sigaction(SIGRTMAX, &before, nullptr);
    return error;
}

bool IsGone(pid_t thread) {
    return syscall(SYS_tgkill, getpid(), thread, 0) != 0 && errno == ESRCH;
}

/// Waits until a thread has answered or ended.
int AwaitAnswer(pid_t thread) {
    constexpr timespec kTenth = {0, 100'000'000};
    const auto deadline = std::chrono::steady_clock::now() + kThreadTime;
    while (std::chrono::steady_clock::now() < deadline) {
        // Returns early if a signal interrupts it.
        syscall(SYS_futex, &answered, FUTEX_WAIT_PRIVATE, 0, &kTenth, nullptr, 0);
        if (answered.exchange(0) == 1 || IsGone(thread))
            return 0;
    }
    return ETIMEDOUT;
}

struct CloseFolder {
    void operator()(DIR *folder) const {
        closedir(folder);
    }
};

/// Signals the threads that are not in `done`, and adds them to it.
int BroadcastOnce(std::set<pid_t> &done, bool &any) {
    const std::unique_ptr<DIR, CloseFolder> folder(opendir("/proc/self/task"));
    if (!folder)
        return errno;
    any = false;
    while (const dirent *entry = readdir(folder.get())) {
        const auto thread = static_cast<pid_t>(std::atoi(entry->d_name));
        if (thread <= 0 || !done.insert(thread).second)
            continue;
        any = true;
        if (syscall(SYS_tgkill, getpid(), thread, kBroadcastSignal) != 0) {
            if (errno == ESRCH)
                continue;
            return errno;
        }
        if (const int error = AwaitAnswer(thread))
            return error;
    }
    return 0;
}

} // namespace

int LimitCapabilities(uint64_t keep) {
    const std::lock_guard<std::mutex> lock(one_at_a_time);
    KernelAction ours = {};
    KernelAction before = {};
    if (const int error = MakeAction(ours))
        return error;
    answered = 0;
    kept = keep;
    failure = 0;
    if (const int error = ExchangeAction(kBroadcastSignal, &ours, &before))
        return error;
    // A thread started before its parent's turn has the parent's old capabilities: repeat until there are no new
    // threads.
    std::set<pid_t> done;
    int error = 0;
    for (bool any = true; any && error == 0;)
        error = BroadcastOnce(done, any);
    // A thread that has not answered in time may still do so, and then needs the handler.
    if (error == 0)
        ExchangeAction(kBroadcastSignal, &before, nullptr);
    return error != 0 ? error : failure.load();
}

} // namespace lorikeet
