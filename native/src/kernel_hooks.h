// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

struct bpf_program;
struct btf;

namespace lorikeet {

/// Tells which programs of an object are for the running kernel, by the kernel's BTF.
class KernelHooks {
  public:
    KernelHooks();

    /// False where the kernel lacks the program's hook, or where the program's marks (bpf/core_fixes.bpf.h) in the
    /// object's BTF say that it is for other kernels. True for all where the kernel has no BTF: loading will say why.
    bool Suit(const bpf_program *program, const btf *object) const;

  private:
    struct FreeBtf {
        void operator()(btf *types) const;
    };

    bool HasTracepoint(const char *name) const;
    /// How many parameters a function has; -1 if the kernel has none of that name.
    int FunctionParameters(const char *name) const;
    bool SuitsMark(const char *mark, const char *function) const;

    std::unique_ptr<btf, FreeBtf> kernel_;
};

} // namespace lorikeet
