/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_PAYLOAD_BPF_H
#define LORIKEET_PAYLOAD_BPF_H

#include "shared/types.bpf.h"
#include "syscall_abi.bpf.h"

/* The bytes that a send or receive call has moved, read where the process has them: the registers of its system call
 * point to its buffer. So no packet is captured or reassembled, and no capability is needed beyond those for tracing.
 *
 * Not visible: calls of 32-bit programs and io_uring, sendfile() and splice(), sockets of the kernel itself, and kernels
 * before 5.15, which lack bpf_task_pt_regs(). */

struct user_vector {
    __u64 base;
    __u64 length;
};

/* The start of the user's struct msghdr. */
struct user_message {
    __u64 name;
    __u64 name_length;
    __u64 vectors;
    __u64 count;
};

struct payload {
    __u64 vectors;  /* address of the array of struct user_vector; 0: only `first` */
    __u64 count;    /* of vectors */
    __u64 base;     /* address of the first bytes */
    __u32 size;     /* bytes there */
    __u32 length;   /* all bytes of the call */
};

enum call_kind {
    CALL_OTHER,
    CALL_BUFFER,  /* read, write, sendto, recvfrom */
    CALL_VECTOR,  /* readv, writev */
    CALL_MESSAGE, /* sendmsg, recvmsg */
};

/* `number` is that of a 64-bit program. */
static __always_inline enum call_kind call_kind(bool arm64, __u64 number) {
    if (arm64) {
        switch (number) {
        case 63:
        case 64:
        case 206:
        case 207:
            return CALL_BUFFER;
        case 65:
        case 66:
            return CALL_VECTOR;
        case 211:
        case 212:
            return CALL_MESSAGE;
        default:
            return CALL_OTHER;
        }
    }
    switch (number) {
    case 0:
    case 1:
    case 44:
    case 45:
        return CALL_BUFFER;
    case 19:
    case 20:
        return CALL_VECTOR;
    case 46:
    case 47:
        return CALL_MESSAGE;
    default:
        return CALL_OTHER;
    }
}

/* Second and third argument, and the number of a system call. */
struct call {
    __u64 second;
    __u64 third;
    enum call_kind kind;
};

static __always_inline bool read_call(struct call *call) {
    const struct task_struct *task = bpf_get_current_task_btf();
    const struct pt_regs *regs;
    enum syscall_abi abi;

    if (task->flags & (PF_KTHREAD | PF_IO_WORKER))
        return false;
    abi = syscall_abi(task);
    if (abi != ABI_X86_64 && abi != ABI_ARM64)
        return false;
    regs = (const void *)bpf_task_pt_regs((struct task_struct *)task);
    if (bpf_core_field_exists(regs->orig_ax)) {
        call->kind = call_kind(false, regs->orig_ax);
        call->second = regs->si;
        call->third = regs->dx;
    } else {
        const struct pt_regs___arm64 *arm64 = (const void *)regs;

        call->kind = call_kind(true, (__u32)arm64->syscallno);
        call->second = arm64->regs[1];
        call->third = arm64->regs[2];
    }
    return call->kind != CALL_OTHER;
}

/* Finds the bytes of the running call on `sk`, which has moved `length` > 0 bytes. */
static __always_inline bool find_payload(const struct sock *sk, int length, struct payload *payload) {
    struct user_message message = {};
    struct user_vector first;
    struct call call;

    if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
        return false;
    /* A socket of the kernel, such as that of an NFS mount, has no file; its caller's registers mean something else. */
    if (!BPF_CORE_READ(sk, sk_socket, file) || !read_call(&call))
        return false;
    payload->length = length;
    payload->vectors = 0;
    payload->count = 0;
    payload->base = call.second;
    payload->size = length;
    if (call.kind == CALL_BUFFER)
        return true;
    payload->vectors = call.second;
    payload->count = call.third;
    if (call.kind == CALL_MESSAGE) {
        if (bpf_probe_read_user(&message, sizeof(message), (const void *)call.second))
            return false;
        payload->vectors = message.vectors;
        payload->count = message.count;
    }
    if (!payload->count || bpf_probe_read_user(&first, sizeof(first), (const void *)payload->vectors))
        return false;
    payload->base = first.base;
    payload->size = first.length < (__u32)length ? first.length : (__u32)length;
    return payload->size > 0;
}

/* Reads up to `size` bytes at the start; the rest stays 0. Returns the number of bytes read. */
#define read_start(payload, bytes) read_start_bytes(payload, bytes, sizeof(bytes))

static __always_inline __u32 read_start_bytes(const struct payload *payload, void *bytes, const __u32 size) {
    __u32 count = payload->size;

    if (count >= size)
        return bpf_probe_read_user(bytes, size, (const void *)payload->base) ? 0 : size;
    /* The verifier needs the bound in the register that the call takes. */
    barrier_var(count);
    if (count >= size)
        return 0;
    return bpf_probe_read_user(bytes, count, (const void *)payload->base) ? 0 : count;
}

#endif
