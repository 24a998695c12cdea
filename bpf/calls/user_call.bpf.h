/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_USER_CALL_BPF_H
#define LORIKEET_USER_CALL_BPF_H

#include "../shared/types.bpf.h"
#include "syscall_abi.bpf.h"

/* The send or receive call that the current task is in, from its registers: what it moves is read where the process has
 * it. So no packet is captured or reassembled, and no capability is needed beyond those for tracing.
 *
 * Not visible: calls of 32-bit programs, of io_uring and within the kernel, and all calls on kernels before 5.15, which
 * lack bpf_task_pt_regs(). */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs___x86_64 {
    unsigned long si;
    unsigned long dx;
    unsigned long r8;
    unsigned long orig_ax;
};

struct pt_regs___arm64 {
    __u64 regs[31];
    __s32 syscallno;
};

#pragma clang attribute pop

/* Shapes of the arguments of a call; the first is the descriptor. */
enum call_kind {
    CALL_OTHER,
    CALL_BUFFER,   /* read, write: buffer, length */
    CALL_VECTOR,   /* readv, writev: array of struct user_part, count */
    CALL_ADDRESS,  /* recvfrom, sendto: buffer, length, flags, address */
    CALL_MESSAGE,  /* recvmsg, sendmsg: struct user_header */
    CALL_MESSAGES, /* recvmmsg, sendmmsg: array of headers with a length each, count */
};

struct user_call {
    enum call_kind kind;
    __u64 second, third, fifth; /* arguments */
};

/* struct iovec of user space. */
struct user_part {
    __u64 start;
    __u64 length;
};

/* struct msghdr of user space, its first members. */
struct user_header {
    __u64 address;
    __u32 address_length;
    __u32 reserved;
    __u64 parts;
    __u64 part_count;
};

static __always_inline enum call_kind send_call(bool x86, __u64 number) {
    if (number == (x86 ? 1 : 64))
        return CALL_BUFFER;
    if (number == (x86 ? 20 : 66))
        return CALL_VECTOR;
    if (number == (x86 ? 44 : 206))
        return CALL_ADDRESS;
    if (number == (x86 ? 46 : 211))
        return CALL_MESSAGE;
    return number == (x86 ? 307 : 269) ? CALL_MESSAGES : CALL_OTHER;
}

static __always_inline enum call_kind receive_call(bool x86, __u64 number) {
    if (number == (x86 ? 0 : 63))
        return CALL_BUFFER;
    if (number == (x86 ? 19 : 65))
        return CALL_VECTOR;
    if (number == (x86 ? 45 : 207))
        return CALL_ADDRESS;
    if (number == (x86 ? 47 : 212))
        return CALL_MESSAGE;
    return number == (x86 ? 299 : 243) ? CALL_MESSAGES : CALL_OTHER;
}

/* The kind is CALL_OTHER if the call is not visible. */
static __always_inline void read_user_call(struct user_call *call, bool sent) {
    struct task_struct *task = bpf_get_current_task_btf();
    enum syscall_abi abi = syscall_abi(task);
    const struct pt_regs___x86_64 *x86;
    const struct pt_regs___arm64 *arm;
    __u64 number;

    *call = (struct user_call){.kind = CALL_OTHER};
    if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
        return;
    if (task->flags & (PF_KTHREAD | PF_IO_WORKER) || (abi != ABI_X86_64 && abi != ABI_ARM64))
        return;
    x86 = (const struct pt_regs___x86_64 *)bpf_task_pt_regs(task);
    if (bpf_core_field_exists(x86->orig_ax)) {
        number = x86->orig_ax;
        call->second = x86->si;
        call->third = x86->dx;
        call->fifth = x86->r8;
    } else {
        arm = (const struct pt_regs___arm64 *)x86;
        number = (__u32)arm->syscallno;
        call->second = arm->regs[1];
        call->third = arm->regs[2];
        call->fifth = arm->regs[4];
    }
    call->kind = sent ? send_call(abi == ABI_X86_64, number) : receive_call(abi == ABI_X86_64, number);
}

#endif
