// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

struct bpf_program;
struct btf;

namespace lorikeet {

/// Selects the programs of an object for the running kernel, by the kernel's BTF.
class KernelHooks {
  public:
    KernelHooks();

    /// False if the kernel lacks the program's hook, or if the program's tags (bpf/shared/core_fixes.bpf.h) in the
    /// object's BTF exclude this kernel. True for all programs if the kernel has no BTF: then loading reports the
    /// reason.
    bool Suit(const bpf_program *program, const btf *object) const;

  private:
    struct FreeBtf {
        void operator()(btf *types) const;
    };

    bool HasTracepoint(const char *name) const;
    /// Number of parameters of a function; -1 if the kernel has no such function.
    int FunctionParameters(const char *name) const;
    bool SuitsMark(const char *mark, const char *function) const;

    std::unique_ptr<btf, FreeBtf> kernel_;
};

} // namespace lorikeet
