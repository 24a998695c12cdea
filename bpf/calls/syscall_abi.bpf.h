/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_SYSCALL_ABI_BPF_H
#define LORIKEET_SYSCALL_ABI_BPF_H

#include "../shared/types.bpf.h"

/* The meaning of a system call number depends on the ABI: that of the machine, or that of 32-bit programs. */
enum syscall_abi {
    ABI_X86_64,
    ABI_I386,
    ABI_ARM64,
    ABI_ARM,
};

/* arch/x86/include/asm/thread_info.h: set during a call by int 0x80 or a 32-bit program. */
#define TS_COMPAT 0x0002
/* arch/arm64/include/asm/thread_info.h: a bit number. */
#define TIF_32BIT 22

/* The ABI of the task's current call. Only x86 has a status in thread_info. */
static __always_inline enum syscall_abi syscall_abi(const struct task_struct *task) {
    if (bpf_core_field_exists(task->thread_info.status))
        return task->thread_info.status & TS_COMPAT ? ABI_I386 : ABI_X86_64;
    return task->thread_info.flags & (1UL << TIF_32BIT) ? ABI_ARM : ABI_ARM64;
}

#endif
