// SPDX-License-Identifier: MIT
#include "failure.h"

#include <array>
#include <cstring>

#include <bpf/libbpf.h>

namespace lorikeet {
namespace {

/// The kernel's internal ENOTSUPP, which C libraries do not define.
constexpr int kNotSupported = 524;

const char *LibbpfName(int error) {
    switch (error) {
    case LIBBPF_ERRNO__LIBELF:
        return "LIBBPF_ERRNO__LIBELF";
    case LIBBPF_ERRNO__FORMAT:
        return "LIBBPF_ERRNO__FORMAT";
    case LIBBPF_ERRNO__KVERSION:
        return "LIBBPF_ERRNO__KVERSION";
    case LIBBPF_ERRNO__ENDIAN:
        return "LIBBPF_ERRNO__ENDIAN";
    case LIBBPF_ERRNO__INTERNAL:
        return "LIBBPF_ERRNO__INTERNAL";
    case LIBBPF_ERRNO__RELOC:
        return "LIBBPF_ERRNO__RELOC";
    case LIBBPF_ERRNO__LOAD:
        return "LIBBPF_ERRNO__LOAD";
    case LIBBPF_ERRNO__VERIFY:
        return "LIBBPF_ERRNO__VERIFY";
    case LIBBPF_ERRNO__PROG2BIG:
        return "LIBBPF_ERRNO__PROG2BIG";
    case LIBBPF_ERRNO__KVER:
        return "LIBBPF_ERRNO__KVER";
    case LIBBPF_ERRNO__PROGTYPE:
        return "LIBBPF_ERRNO__PROGTYPE";
    default:
        return nullptr;
    }
}

} // namespace

std::string ErrnoName(int error) {
    const char *name = error == kNotSupported ? "ENOTSUPP" : LibbpfName(error);
    if (name == nullptr)
        name = strerrorname_np(error);
    return name != nullptr ? name : std::to_string(error);
}

std::string ErrnoText(int error) {
    std::array<char, 256> text = {};
    libbpf_strerror(error, text.data(), text.size());
    return text.data();
}

} // namespace lorikeet
