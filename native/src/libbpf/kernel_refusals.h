// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>
#include <string>

#include <bpf/bpf.h>

namespace lorikeet {

/// A load that the kernel refused.
struct Refusal {
    /// errno, positive.
    int error;
    /// The verifier's log; empty if the load failed before verification.
    std::string verifier_log = {};
};

/// Intercepts libbpf's loads on this thread for its lifetime. libbpf stops at the first refused program; this gives it
/// a placeholder descriptor instead, so one pass finds all refused programs. (A retry without each of them would need
/// one load more for each; see docs/adr/exporter/0012-refused-programs.md.) At a refused map libbpf still stops; its
/// name is kept.
class KernelRefusals {
  public:
    /// `programs` are the names to intercept: libbpf also loads programs of its own to detect kernel features.
    explicit KernelRefusals(std::set<std::string> programs);
    ~KernelRefusals();
    KernelRefusals(const KernelRefusals &) = delete;
    KernelRefusals &operator=(const KernelRefusals &) = delete;

    /// By program.
    const std::map<std::string, Refusal> &Programs() const {
        return refused_;
    }
    /// By map; without maps that the kernel accepted later in another form.
    const std::map<std::string, int> &Maps() const {
        return refused_maps_;
    }

    /// Loads a program in place of bpf_prog_load.
    int Load(bpf_prog_type type, const char *name, const char *license, const bpf_insn *instructions, size_t count,
             const bpf_prog_load_opts *options);
    /// Records the result of creating a map: a descriptor, or a negative error.
    int Created(const char *name, int result);

  private:
    bool Watches(const char *name) const;

    std::set<std::string> programs_;
    std::map<std::string, Refusal> refused_;
    std::map<std::string, int> refused_maps_;
    KernelRefusals *outer_;
};

/// Returns 0 if bpf(2) works: the kernel accepts a small map and an empty program. Otherwise the error.
int ProbeBpf();

} // namespace lorikeet
