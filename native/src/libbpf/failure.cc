// SPDX-License-Identifier: MIT
#include "failure.h"

#include <array>
#include <cerrno>
#include <map>

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

/// The C library's names, by number. Its own table, strerrorname_np(), needs glibc 2.32.
#define NAMED(error)                                                                                                   \
    { error, #error }
// clang-format off
const std::map<int, const char *> kSystemNames = {
    NAMED(EPERM), NAMED(ENOENT), NAMED(ESRCH), NAMED(EINTR), NAMED(EIO), NAMED(ENXIO), NAMED(E2BIG), NAMED(ENOEXEC),
    NAMED(EBADF), NAMED(ECHILD), NAMED(EAGAIN), NAMED(ENOMEM), NAMED(EACCES), NAMED(EFAULT), NAMED(ENOTBLK),
    NAMED(EBUSY), NAMED(EEXIST), NAMED(EXDEV), NAMED(ENODEV), NAMED(ENOTDIR), NAMED(EISDIR), NAMED(EINVAL),
    NAMED(ENFILE), NAMED(EMFILE), NAMED(ENOTTY), NAMED(ETXTBSY), NAMED(EFBIG), NAMED(ENOSPC), NAMED(ESPIPE),
    NAMED(EROFS), NAMED(EMLINK), NAMED(EPIPE), NAMED(EDOM), NAMED(ERANGE), NAMED(EDEADLK), NAMED(ENAMETOOLONG),
    NAMED(ENOLCK), NAMED(ENOSYS), NAMED(ENOTEMPTY), NAMED(ELOOP), NAMED(ENOMSG), NAMED(EIDRM), NAMED(ECHRNG),
    NAMED(EL2NSYNC), NAMED(EL3HLT), NAMED(EL3RST), NAMED(ELNRNG), NAMED(EUNATCH), NAMED(ENOCSI), NAMED(EL2HLT),
    NAMED(EBADE), NAMED(EBADR), NAMED(EXFULL), NAMED(ENOANO), NAMED(EBADRQC), NAMED(EBADSLT), NAMED(EBFONT),
    NAMED(ENOSTR), NAMED(ENODATA), NAMED(ETIME), NAMED(ENOSR), NAMED(ENONET), NAMED(ENOPKG), NAMED(EREMOTE),
    NAMED(ENOLINK), NAMED(EADV), NAMED(ESRMNT), NAMED(ECOMM), NAMED(EPROTO), NAMED(EMULTIHOP), NAMED(EDOTDOT),
    NAMED(EBADMSG), NAMED(EOVERFLOW), NAMED(ENOTUNIQ), NAMED(EBADFD), NAMED(EREMCHG), NAMED(ELIBACC), NAMED(ELIBBAD),
    NAMED(ELIBSCN), NAMED(ELIBMAX), NAMED(ELIBEXEC), NAMED(EILSEQ), NAMED(ERESTART), NAMED(ESTRPIPE), NAMED(EUSERS),
    NAMED(ENOTSOCK), NAMED(EDESTADDRREQ), NAMED(EMSGSIZE), NAMED(EPROTOTYPE), NAMED(ENOPROTOOPT),
    NAMED(EPROTONOSUPPORT), NAMED(ESOCKTNOSUPPORT), NAMED(EOPNOTSUPP), NAMED(EPFNOSUPPORT), NAMED(EAFNOSUPPORT),
    NAMED(EADDRINUSE), NAMED(EADDRNOTAVAIL), NAMED(ENETDOWN), NAMED(ENETUNREACH), NAMED(ENETRESET), NAMED(ECONNABORTED),
    NAMED(ECONNRESET), NAMED(ENOBUFS), NAMED(EISCONN), NAMED(ENOTCONN), NAMED(ESHUTDOWN), NAMED(ETOOMANYREFS),
    NAMED(ETIMEDOUT), NAMED(ECONNREFUSED), NAMED(EHOSTDOWN), NAMED(EHOSTUNREACH), NAMED(EALREADY), NAMED(EINPROGRESS),
    NAMED(ESTALE), NAMED(EUCLEAN), NAMED(ENOTNAM), NAMED(ENAVAIL), NAMED(EISNAM), NAMED(EREMOTEIO), NAMED(EDQUOT),
    NAMED(ENOMEDIUM), NAMED(EMEDIUMTYPE), NAMED(ECANCELED), NAMED(ENOKEY), NAMED(EKEYEXPIRED), NAMED(EKEYREVOKED),
    NAMED(EKEYREJECTED), NAMED(EOWNERDEAD), NAMED(ENOTRECOVERABLE), NAMED(ERFKILL),
};
// clang-format on
#undef NAMED

const char *SystemName(int error) {
    const auto found = kSystemNames.find(error);
    return found == kSystemNames.end() ? nullptr : found->second;
}

} // namespace

std::string ErrnoName(int error) {
    const char *name = error == kNotSupported ? "ENOTSUPP" : LibbpfName(error);
    if (name == nullptr)
        name = SystemName(error);
    return name != nullptr ? name : std::to_string(error);
}

std::string ErrnoText(int error) {
    std::array<char, 256> text = {};
    libbpf_strerror(error, text.data(), text.size());
    return text.data();
}

} // namespace lorikeet
