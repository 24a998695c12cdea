/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_SYSCALL_KIND_BPF_H
#define LORIKEET_SYSCALL_KIND_BPF_H

#include "calls/syscall_abi.bpf.h"
#include "shared/types.bpf.h"

enum syscall_kind {
    SYSCALL_OTHER,
    SYSCALL_MMAP,
    SYSCALL_OPEN,
};

/* arch/x86/include/uapi/asm/unistd.h: a 32-bit program that uses 64-bit call numbers. */
#define X32_SYSCALL_BIT 0x40000000

/* open, creat, openat, openat2; mmap, mmap2. */
static __always_inline enum syscall_kind kind_x86_64(__u64 number) {
    switch (number & ~X32_SYSCALL_BIT) {
    case 2:
    case 85:
    case 257:
    case 437:
        return SYSCALL_OPEN;
    case 9:
        return SYSCALL_MMAP;
    default:
        return SYSCALL_OTHER;
    }
}

static __always_inline enum syscall_kind kind_i386(__u64 number) {
    switch (number) {
    case 5:
    case 8:
    case 295:
    case 437:
        return SYSCALL_OPEN;
    case 90:
    case 192:
        return SYSCALL_MMAP;
    default:
        return SYSCALL_OTHER;
    }
}

/* arm64 has neither open nor creat: the C library calls openat. */
static __always_inline enum syscall_kind kind_arm64(__u64 number) {
    switch (number) {
    case 56:
    case 437:
        return SYSCALL_OPEN;
    case 222:
        return SYSCALL_MMAP;
    default:
        return SYSCALL_OTHER;
    }
}

static __always_inline enum syscall_kind kind_arm(__u64 number) {
    switch (number) {
    case 5:
    case 8:
    case 322:
    case 437:
        return SYSCALL_OPEN;
    case 192:
        return SYSCALL_MMAP;
    default:
        return SYSCALL_OTHER;
    }
}

static __always_inline enum syscall_kind syscall_kind(enum syscall_abi abi, __u64 number) {
    switch (abi) {
    case ABI_X86_64:
        return kind_x86_64(number);
    case ABI_I386:
        return kind_i386(number);
    case ABI_ARM64:
        return kind_arm64(number);
    case ABI_ARM:
        return kind_arm(number);
    }
    return SYSCALL_OTHER;
}

#endif
