/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_RESPONSE_HEADERS_BPF_H
#define LORIKEET_RESPONSE_HEADERS_BPF_H

#include "../protocols/exchange.bpf.h"
#include "../shared/maps.bpf.h"
#include "../shared/types.bpf.h"
#include "frame_types.bpf.h"
#include "hpack.bpf.h"
#include "status.bpf.h"

/* Header blocks of HTTP/2 responses (RFC 9113, 4.3). A block may be spread over frames, calls and the parts of a call,
 * so it is copied until it is complete, and then read field by field. */

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct header_table);
} header_tables SEC(".maps");

/* NULL: the status is not counted, or there is no memory; then the entries inserted meanwhile are unknown. */
static __always_inline struct header_table *find_header_table(struct sock *sk, const struct socket_state *socket) {
    return socket->status ? bpf_sk_storage_get(&header_tables, sk, 0, BPF_SK_STORAGE_GET_F_CREATE) : NULL;
}

/* The end of a frame. */
static __always_inline void end_headers(struct header_table *table, __u8 flags) {
    __u32 padding = table->flags & FLAG_PADDED ? table->block[0] : 0;

    table->copying = false;
    if (!(flags & FLAG_END_HEADERS))
        return;
    table->end = table->have < HEADER_BLOCK ? table->have : HEADER_BLOCK;
    if (table->have > HEADER_BLOCK)
        table->unreadable = true;
    table->end -= padding < table->end ? padding : table->end;
    table->at = (table->flags & FLAG_PADDED ? 1 : 0) + (table->flags & FLAG_PRIORITY ? 5 : 0);
    table->class = 0;
    table->code = NO_CODE;
    table->unknown = false;
    table->parsing = true;
}

/* The header of a frame, of 9 bytes. `trailers`: its stream has had a response. */
static __always_inline void begin_headers(struct header_table *table, const __u8 *head, bool counted, bool trailers) {
    __u8 type = head[3], flags = head[4];

    table->copying = type == FRAME_HEADERS || type == FRAME_CONTINUATION;
    if (type == FRAME_PUSH_PROMISE)
        forget_headers(table);
    if (type == FRAME_HEADERS) {
        table->flags = flags;
        table->counted = counted;
        table->trailers = trailers;
        /* Padding would be in the middle of the block. */
        table->unreadable = (flags & FLAG_PADDED) && !(flags & FLAG_END_HEADERS);
        table->have = 0;
    }
    if (table->copying && !head[0] && !head[1] && !head[2])
        end_headers(table, flags);
}

/* Copies up to HEADER_CHUNK bytes of a frame. */
static __always_inline void copy_headers(struct header_table *table, __u64 address, __u32 count) {
    __u32 have = table->have;

    if (have >= HEADER_BLOCK || count > HEADER_CHUNK) {
        table->unreadable = true;
        return;
    }
    /* The verifier needs the bounds in the registers that the call takes. */
    barrier_var(have);
    barrier_var(count);
    if (have >= HEADER_BLOCK || count > HEADER_CHUNK)
        return;
    if (bpf_probe_read_user(table->block + have, count, (const void *)address))
        table->unreadable = true;
    table->have = have + count;
}

/* Counts the response of a block whose fields have been read. Trailers without a status of gRPC are those of another
 * protocol, unless one of their fields is unknown. */
static __always_inline void finish_block(struct header_table *table, const struct exchange *exchange) {
    const struct socket_state *socket = exchange->socket;
    bool last = table->flags & FLAG_END_STREAM;

    table->parsing = false;
    if (table->unreadable) {
        table->unknown = true;
        forget_headers(table);
    }
    if (!table->counted)
        return;
    if (table->class || !table->trailers)
        count_status(socket, exchange->edge, table->class);
    if (table->code != NO_CODE) {
        table->grpc = true;
        count_grpc_code(socket, exchange->edge, table->code);
    } else if (table->unknown && last && (table->trailers || table->grpc)) {
        count_grpc_code(socket, exchange->edge, NO_CODE);
    }
}

#endif
