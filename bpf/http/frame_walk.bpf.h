/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_FRAME_WALK_BPF_H
#define LORIKEET_FRAME_WALK_BPF_H

#include "../protocols/exchange.bpf.h"
#include "../calls/payload.bpf.h"
#include "../shared/types.bpf.h"
#include "../protocols/streams.bpf.h"
#include "response_headers.bpf.h"

/* One call's way through the frames. */
struct frame_walk {
    const struct exchange *exchange;
    struct http2_connection *connection;
    struct frames *frames;
    struct header_table *headers; /* of responses whose status is counted, otherwise NULL */
    __u64 part, parts_end;        /* addresses in the array of parts */
    __u64 base;                   /* address of the current part */
    __u32 begin, end;             /* offsets of the current part in the call */
    __u32 at, length;             /* offset in the call, and its end */
    bool of_requests;
};

static __always_inline bool next_part(struct frame_walk *walk) {
    struct user_part part;

    walk->part += sizeof(part);
    if (walk->part >= walk->parts_end || bpf_probe_read_user(&part, sizeof(part), (const void *)walk->part))
        return false;
    walk->base = part.start;
    walk->begin = walk->end;
    walk->end += part.length < walk->length ? (__u32)part.length : walk->length;
    return true;
}

/* Some bytes of a frame that is part of a header block. */
static __always_inline bool copy_step(struct frame_walk *walk) {
    struct header_table *headers = walk->headers;
    __u32 count = walk->end - walk->at;

    if (!count)
        return next_part(walk);
    if (count > walk->length - walk->at)
        count = walk->length - walk->at;
    if (count > walk->frames->left)
        count = walk->frames->left;
    if (count > HEADER_CHUNK)
        count = HEADER_CHUNK;
    copy_headers(headers, walk->base + walk->at - walk->begin, count);
    walk->at += count;
    walk->frames->left -= count;
    if (!walk->frames->left)
        end_headers(headers, walk->frames->head[4]);
    return true;
}

#endif
