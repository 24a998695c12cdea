/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_PAYLOAD_BPF_H
#define LORIKEET_PAYLOAD_BPF_H

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

/* Finds the bytes of the running call on `sk`, which has moved `length` > 0 bytes. */
static __always_inline bool find_payload(const struct sock *sk, int length, bool sent, struct payload *payload) {
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
