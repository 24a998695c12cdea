/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_USER_MESSAGE_BPF_H
#define LORIKEET_USER_MESSAGE_BPF_H

#include "syscall_kind.bpf.h"
#include "shared/types.bpf.h"
#include "shared/udp_maps.bpf.h"

/* The address and the buffer that a task passed to its current send or receive call, from the task's registers
 * (bpf_task_pt_regs, kernel 5.15). Unknown for 32-bit programs, for io_uring and for calls within the kernel. */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs___x86_64 {
    unsigned long si;
    unsigned long dx;
    unsigned long r8;
    unsigned long orig_ax;
};

struct pt_regs___arm64 {
    __u64 regs[31];
    int syscallno;
};

#pragma clang attribute pop

/* Shapes of the arguments of a call; the first is the descriptor. */
enum message_call {
    CALL_OTHER,
    CALL_BUFFER,   /* read, write: buffer, length */
    CALL_VECTOR,   /* readv, writev: array of struct user_part, count */
    CALL_ADDRESS,  /* recvfrom, sendto: buffer, length, flags, address */
    CALL_MESSAGE,  /* recvmsg, sendmsg: struct user_header */
    CALL_MESSAGES, /* recvmmsg, sendmmsg: array of headers with a length each, count */
};

static __always_inline enum message_call send_call(enum syscall_abi abi, __u64 number) {
    bool x86 = abi == ABI_X86_64;

    if (!x86 && abi != ABI_ARM64)
        return CALL_OTHER;
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

static __always_inline enum message_call receive_call(enum syscall_abi abi, __u64 number) {
    bool x86 = abi == ABI_X86_64;

    if (!x86 && abi != ABI_ARM64)
        return CALL_OTHER;
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

/* struct msghdr of user space, its first members. */
struct user_header {
    __u64 address;
    __u32 address_length;
    __u32 reserved;
    __u64 parts;
    __u64 part_count;
};

/* struct iovec of user space. */
struct user_part {
    __u64 start;
    __u64 length;
};

/* Size of struct mmsghdr of user space. */
#define USER_MESSAGE_BYTES 64

/* User addresses; 0: none, or unknown. */
struct user_message {
    __u64 address; /* given by the sender */
    __u64 start;   /* of the datagram in memory */
    bool known;    /* false: there may be an address */
};

struct call_arguments {
    enum message_call call;
    __u64 second;
    __u64 third;
    __u64 fifth;
};

static __always_inline void read_arguments(struct call_arguments *arguments, bool sent) {
    struct task_struct *task = bpf_get_current_task_btf();
    enum syscall_abi abi = syscall_abi(task);
    const struct pt_regs___x86_64 *x86;
    const struct pt_regs___arm64 *arm;
    __u64 number;

    arguments->call = CALL_OTHER;
    if (task->flags & (PF_KTHREAD | PF_IO_WORKER))
        return;
    x86 = (const struct pt_regs___x86_64 *)bpf_task_pt_regs(task);
    if (bpf_core_field_exists(x86->orig_ax)) {
        number = x86->orig_ax;
        arguments->second = x86->si;
        arguments->third = x86->dx;
        arguments->fifth = x86->r8;
    } else {
        arm = (const struct pt_regs___arm64 *)x86;
        number = (__u32)arm->syscallno;
        arguments->second = arm->regs[1];
        arguments->third = arm->regs[2];
        arguments->fifth = arm->regs[4];
    }
    arguments->call = sent ? send_call(abi, number) : receive_call(abi, number);
}

/* `parts`: user address of the first struct user_part. A datagram header split over two parts is not read. */
static __always_inline void read_part(struct user_message *message, __u64 parts) {
    struct user_part part;

    if (!bpf_probe_read_user(&part, sizeof(part), (const void *)parts) && part.length >= sizeof(__u32))
        message->start = part.start;
}

static __always_inline void read_header(struct user_message *message, __u64 header) {
    struct user_header copy;

    if (bpf_probe_read_user(&copy, sizeof(copy), (const void *)header))
        return;
    message->known = true;
    message->address = copy.address_length ? copy.address : 0;
    if (copy.part_count)
        read_part(message, copy.parts);
}

/* Returns the user address of the message of sendmmsg() or recvmmsg() that was sent or received last. The kernel goes
 * through the array in order and ends at the first failure, for which the hook runs as well: the number of runs is the
 * index. Only the timeout of recvmmsg() ends it without a run. */
static __always_inline __u64 next_of_batch(struct udp_batch *batch, __u64 messages, __u64 count) {
    __u64 index = batch->messages == messages ? batch->next : 0;

    batch->messages = messages;
    batch->next = index + 1 >= count ? 0 : index + 1;
    return messages + index * USER_MESSAGE_BYTES;
}

static __always_inline void find_user_message(struct user_message *message, struct udp_batch *batch, bool sent) {
    struct call_arguments arguments;

    read_arguments(&arguments, sent);
    switch (arguments.call) {
    case CALL_BUFFER:
        message->known = true;
        message->start = arguments.second;
        break;
    case CALL_VECTOR:
        message->known = true;
        read_part(message, arguments.second);
        break;
    case CALL_ADDRESS:
        message->known = true;
        message->start = arguments.second;
        message->address = arguments.fifth;
        break;
    case CALL_MESSAGE:
        read_header(message, arguments.second);
        break;
    case CALL_MESSAGES:
        read_header(message, next_of_batch(batch, arguments.second, arguments.third));
        break;
    case CALL_OTHER:
        break;
    }
}

#endif
