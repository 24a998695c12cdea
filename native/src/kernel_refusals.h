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
    /// What the verifier wrote; empty if it got no say.
    std::string verifier_log = {};
};

/// Watches what libbpf asks of the kernel on this thread while it lives. libbpf gives an object up at the first program
/// that is refused; here it gets an empty descriptor in that program's place and goes on, so that one pass tells of all
/// of them. (Trying again without what was refused takes a load more for each; see docs/adr/0012-refused-programs.md.)
/// A map that is refused it does give up at, and its name is kept.
class KernelRefusals {
  public:
    /// `programs` are those to watch, by name: libbpf loads others to find out what the kernel can do.
    explicit KernelRefusals(std::set<std::string> programs);
    ~KernelRefusals();
    KernelRefusals(const KernelRefusals &) = delete;
    KernelRefusals &operator=(const KernelRefusals &) = delete;

    /// By program.
    const std::map<std::string, Refusal> &Programs() const {
        return refused_;
    }
    /// By map; only what wasn't accepted later in another form.
    const std::map<std::string, int> &Maps() const {
        return refused_maps_;
    }

    /// Loads a program as bpf_prog_load does, for what stands in for that.
    int Load(bpf_prog_type type, const char *name, const char *license, const bpf_insn *instructions, size_t count,
             const bpf_prog_load_opts *options);
    /// Notes how the creation of a map went: a descriptor, or a negative error.
    int Created(const char *name, int result);

  private:
    bool Watches(const char *name) const;

    std::set<std::string> programs_;
    std::map<std::string, Refusal> refused_;
    std::map<std::string, int> refused_maps_;
    KernelRefusals *outer_;
};

/// 0 if bpf(2) is to be had at all: the kernel takes a small map and a program that does nothing. Else the error.
int ProbeBpf();

} // namespace lorikeet
