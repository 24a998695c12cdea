/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_PAYLOAD_BPF_H
#define LORIKEET_PAYLOAD_BPF_H

#include "../shared/maps.bpf.h"
#include "../shared/types.bpf.h"
#include "user_call.bpf.h"

/* The bytes that a send or receive call has moved, in the memory of the process (user_call.bpf.h). Those of sendfile()
 * and splice() are not visible. */
struct payload {
    __u64 parts;  /* address of an array of struct user_part; 0: only the first part */
    __u64 count;  /* of parts */
    __u64 base;   /* address of the first part */
    __u32 size;   /* bytes of it */
    __u32 length; /* all bytes of the call */
};

/* Finds the bytes of the running call on `sk`, which has moved `length` > 0 bytes. A function of its own: what it reads
 * takes much of the stack. */
static __noinline bool find_payload(const struct sock *sk, int length, bool sent, struct payload *payload) {
    struct user_header header;
    struct user_part first;
    struct user_call call;

    /* A socket of the kernel, such as that of an NFS mount, has no file; its caller's registers mean something else. */
    if (!BPF_CORE_READ(sk, sk_socket, file))
        return false;
    read_user_call(&call, sent);
    payload->length = length;
    payload->size = length;
    payload->base = call.second;
    payload->parts = 0;
    payload->count = 0;
    switch (call.kind) {
    case CALL_BUFFER:
    case CALL_ADDRESS:
        return true;
    case CALL_VECTOR:
        payload->parts = call.second;
        payload->count = call.third;
        break;
    case CALL_MESSAGE:
        if (bpf_probe_read_user(&header, sizeof(header), (const void *)call.second))
            return false;
        payload->parts = header.parts;
        payload->count = header.part_count;
        break;
    default:
        return false;
    }
    if (!payload->count || bpf_probe_read_user(&first, sizeof(first), (const void *)payload->parts))
        return false;
    payload->base = first.start;
    if (first.length < (__u32)length)
        payload->size = first.length;
    return payload->size > 0;
}

/* Parts of a call that are read for its first bytes: some programs write a header byte by byte. */
#define FIRST_PARTS 5

/* Adds bytes of a call to the first bytes. A function of its own, so that the verifier checks it once. */
__noinline int add_first_bytes(struct first_bytes *first, const struct payload *payload) {
    struct user_part part;
    __u64 next;
    __u32 left;

    if (!first || !payload)
        return 0;
    left = payload->length;
    first->length += left;
    part.start = payload->base;
    part.length = payload->size;
    next = payload->parts;
    for (int i = 0; i < FIRST_PARTS; i++) {
        __u32 have = first->have, take = part.length < left ? (__u32)part.length : left;

        if (have >= FIRST_BYTES)
            break;
        if (take > FIRST_BYTES - have)
            take = FIRST_BYTES - have;
        /* The verifier needs the bounds in the registers that the call takes, and does not see that they depend on each
         * other. */
        barrier_var(take);
        barrier_var(have);
        if (take > FIRST_BYTES || have >= FIRST_BYTES)
            break;
        if (take && bpf_probe_read_user(first->bytes + have, take, (const void *)part.start))
            break;
        first->have = have + take;
        left -= take;
        next += sizeof(part);
        if (!left || !payload->parts || next >= payload->parts + payload->count * sizeof(part))
            break;
        if (bpf_probe_read_user(&part, sizeof(part), (const void *)next))
            break;
    }
    return 0;
}

/* Reads the first bytes of a call alone. */
static __always_inline void read_first_bytes(struct first_bytes *first, const struct payload *payload) {
    *first = (struct first_bytes){};
    add_first_bytes(first, payload);
}

#endif
