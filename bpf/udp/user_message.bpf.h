/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_USER_MESSAGE_BPF_H
#define LORIKEET_USER_MESSAGE_BPF_H

#include "../calls/user_call.bpf.h"
#include "../shared/types.bpf.h"
#include "udp_maps.bpf.h"

/* The address and the buffer that a task passed to its current send or receive call. */

/* Size of struct mmsghdr of user space. */
#define USER_MESSAGE_BYTES 64

/* User addresses; 0: none, or unknown. */
struct user_message {
    __u64 address; /* given by the sender */
    __u64 start;   /* of the datagram in memory */
    bool known;    /* false: there may be an address */
};

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
    struct user_call call;

    read_user_call(&call, sent);
    switch (call.kind) {
    case CALL_BUFFER:
        message->known = true;
        message->start = call.second;
        break;
    case CALL_VECTOR:
        message->known = true;
        read_part(message, call.second);
        break;
    case CALL_ADDRESS:
        message->known = true;
        message->start = call.second;
        message->address = call.fifth;
        break;
    case CALL_MESSAGE:
        read_header(message, call.second);
        break;
    case CALL_MESSAGES:
        read_header(message, next_of_batch(batch, call.second, call.third));
        break;
    case CALL_OTHER:
        break;
    }
}

#endif
