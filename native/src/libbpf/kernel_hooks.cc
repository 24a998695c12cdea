// SPDX-License-Identifier: MIT
#include "kernel_hooks.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "libbpf_log.h"

namespace lorikeet {
namespace {

/// The rest of `text` after the prefix; nullptr if it does not start with it.
const char *After(const char *text, const char *prefix) {
    const size_t length = std::strlen(prefix);
    return std::strncmp(text, prefix, length) == 0 ? text + length : nullptr;
}

} // namespace

void KernelHooks::FreeBtf::operator()(btf *types) const {
    btf__free(types);
}

KernelHooks::KernelHooks() {
    LibbpfLog log;
    kernel_.reset(btf__load_vmlinux_btf());
}

bool KernelHooks::HasTracepoint(const char *name) const {
    const std::string type = std::string("btf_trace_") + name;
    return btf__find_by_name_kind(kernel_.get(), type.c_str(), BTF_KIND_TYPEDEF) >= 0;
}

int KernelHooks::FunctionParameters(const char *name) const {
    const int function = btf__find_by_name_kind(kernel_.get(), name, BTF_KIND_FUNC);
    if (function < 0)
        return -1;
    const btf_type *type = btf__type_by_id(kernel_.get(), function);
    return btf_vlen(btf__type_by_id(kernel_.get(), type->type));
}

bool KernelHooks::SuitsMark(const char *mark, const char *function) const {
    if (const char *tracepoint = After(mark, "without_tracepoint:"))
        return !HasTracepoint(tracepoint);
    if (const char *count = After(mark, "function_parameters:"))
        return function != nullptr && FunctionParameters(function) == std::atoi(count);
    return true;
}

bool KernelHooks::Suit(const bpf_program *program, const btf *object) const {
    if (!kernel_)
        return true;
    const char *section = bpf_program__section_name(program);
    const char *tracepoint = After(section, "tp_btf/");
    if (tracepoint != nullptr && !HasTracepoint(tracepoint))
        return false;
    const char *iterated = After(section, "iter/");
    if (iterated != nullptr && FunctionParameters((std::string("bpf_iter_") + iterated).c_str()) < 0)
        return false;
    const char *function = After(section, "fexit/");
    if (function == nullptr)
        function = After(section, "fentry/");
    if (function != nullptr && FunctionParameters(function) < 0)
        return false;
    const int self = btf__find_by_name_kind(object, bpf_program__name(program), BTF_KIND_FUNC);
    for (uint32_t id = 1; self > 0 && id < btf__type_cnt(object); id++) {
        const btf_type *type = btf__type_by_id(object, id);
        if (!btf_is_decl_tag(type) || static_cast<int>(type->type) != self)
            continue;
        if (!SuitsMark(btf__name_by_offset(object, type->name_off), function))
            return false;
    }
    return true;
}

} // namespace lorikeet
