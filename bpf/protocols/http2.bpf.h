/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_HTTP2_BPF_H
#define LORIKEET_HTTP2_BPF_H

#include "exchange.bpf.h"
#include "../calls/payload.bpf.h"
#include "../http/frame_types.bpf.h"
#include "../http/frame_walk.bpf.h"
#include "../http/response_headers.bpf.h"
#include "recognise.bpf.h"
#include "streams.bpf.h"
#include "../shared/maps.bpf.h"
#include "../shared/types.bpf.h"

/* Streams of HTTP/2 in clear text (RFC 9113), gRPC included: a request starts with the first HEADERS frame of its
 * stream and ends with the first HEADERS frame of the response. The header of each frame is read in the memory of the
 * process that sends or receives it; frames cross calls and the parts of a call. */

#define FRAME_HEADER 9
#define PREFACE_BYTES 24
/* Frames, parts and header fields read in one call; with more, the place in the stream is lost. */
#define HTTP2_STEPS 4096

static __always_inline struct stream *slot_of(struct http2_connection *connection, __u32 id) {
    return &connection->streams[(id >> 1) & (STREAM_SLOTS - 1)];
}

/* Takes the slot of a stream, and loses the one that is still open there: it is older by twice the number of slots. */
static __always_inline void take_slot(struct http2_connection *connection, struct stream *stream, __u32 id,
                                      enum stream_state state, __u64 now) {
    if (__sync_lock_test_and_set(&stream->state, STREAM_DONE) == STREAM_OPEN) {
        atomic_add(&connection->open, -1);
        count_lost(&lost_streams);
    }
    stream->id = id;
    stream->start_ns = now;
    barrier();
    if (state == STREAM_OPEN)
        atomic_add(&connection->open, 1);
    __sync_lock_test_and_set(&stream->state, state);
}

static __always_inline void stream_requested(struct frame_walk *walk, __u32 id) {
    struct stream *stream = slot_of(walk->connection, id);

    if (stream->id != id)
        take_slot(walk->connection, stream, id, STREAM_OPEN, walk->exchange->now);
    else if (__sync_val_compare_and_swap(&stream->state, STREAM_ANSWERED_EARLY, STREAM_DONE) == STREAM_ANSWERED_EARLY)
        count_request(walk->exchange, 0);
}

/* True if the stream has had a response. */
static __always_inline bool is_answered(const struct frame_walk *walk, __u32 id) {
    const struct stream *stream = slot_of(walk->connection, id);

    return stream->id == id && stream->state != STREAM_OPEN;
}

static __always_inline void stream_answered(struct frame_walk *walk, __u32 id) {
    struct stream *stream = slot_of(walk->connection, id);
    __u64 now = walk->exchange->now, start = stream->start_ns;

    if (stream->id != id) {
        if (id > stream->id)
            take_slot(walk->connection, stream, id, STREAM_ANSWERED_EARLY, now);
        return;
    }
    /* Otherwise these are trailers. */
    if (__sync_val_compare_and_swap(&stream->state, STREAM_OPEN, STREAM_DONE) != STREAM_OPEN)
        return;
    atomic_add(&walk->connection->open, -1);
    count_request(walk->exchange, now > start ? now - start : 0);
}

static __always_inline void stream_reset(struct frame_walk *walk, __u32 id) {
    struct stream *stream = slot_of(walk->connection, id);

    if (stream->id != id || __sync_val_compare_and_swap(&stream->state, STREAM_OPEN, STREAM_DONE) != STREAM_OPEN)
        return;
    atomic_add(&walk->connection->open, -1);
    if (walk->exchange->edge)
        atomic_add(&walk->exchange->edge->unanswered, 1);
}

/* True for an interim response (1xx): its block of headers starts with ":status" by its static index, and a literal
 * that starts with "1", plain or in Huffman code (RFC 7541). */
static __always_inline bool is_interim(const struct frame_walk *walk, __u8 flags) {
    __u32 at = walk->at + (flags & FLAG_PADDED ? 1 : 0) + (flags & FLAG_PRIORITY ? 5 : 0);
    __u8 block[3];

    if (at + sizeof(block) > walk->end ||
        bpf_probe_read_user(block, sizeof(block), (const void *)(walk->base + at - walk->begin)))
        return false;
    if (block[0] != 0x48 && block[0] != 0x08 && block[0] != 0x18)
        return false;
    return block[1] & 0x80 ? block[2] >> 3 == 1 : block[2] == '1';
}

/* False for a frame that no version of the protocol has: this isn't the start of one. */
static __always_inline bool handle_frame(struct frame_walk *walk) {
    const __u8 *head = walk->frames->head;
    __u32 id = big_endian(head + 5) & 0x7fffffff;

    walk->frames->left = big_endian(head) >> 8;
    if (head[3] > 0x10)
        return false;
    if (walk->headers)
        begin_headers(walk->headers, head, id & 1, is_answered(walk, id));
    /* Clients open odd streams. */
    if (!(id & 1))
        return true;
    if (head[3] == FRAME_RST_STREAM)
        stream_reset(walk, id);
    else if (head[3] == FRAME_HEADERS && walk->of_requests)
        stream_requested(walk, id);
    else if (head[3] == FRAME_HEADERS && !is_interim(walk, head[4]))
        stream_answered(walk, id);
    return true;
}

static __always_inline bool read_frame_header(struct frame_walk *walk) {
    struct frames *frames = walk->frames;
    __u32 have = frames->have, take = walk->end - walk->at;
    __u64 address = walk->base + walk->at - walk->begin;

    if (take > walk->length - walk->at)
        take = walk->length - walk->at;
    if (have >= FRAME_HEADER)
        return false;
    if (take > FRAME_HEADER - have)
        take = FRAME_HEADER - have;
    /* The verifier needs the bounds in the registers that the call takes. */
    barrier_var(take);
    barrier_var(have);
    if (take > FRAME_HEADER || have > FRAME_HEADER)
        return false;
    if (bpf_probe_read_user(frames->head + have, take, (const void *)address))
        return false;
    frames->have = have + take;
    walk->at += take;
    if (frames->have < FRAME_HEADER)
        return true;
    frames->have = 0;
    return handle_frame(walk);
}

/* One step: the rest of a frame, the next part, a header, or a field. Ends the loop by 1. */
static long walk_step(__u32 index, struct frame_walk *walk) {
    struct frames *frames = walk->frames;
    __u32 rest = walk->length - walk->at;

    if (walk->headers && walk->headers->parsing) {
        if (!next_field(walk->headers))
            finish_block(walk->headers, walk->exchange);
        return 0;
    }
    if (!rest)
        return 1;
    if (frames->left && walk->headers && walk->headers->copying)
        return !copy_step(walk);
    if (frames->left) {
        __u32 skip = frames->left < rest ? frames->left : rest;

        frames->left -= skip;
        walk->at += skip;
        return 0;
    }
    return walk->at >= walk->end ? !next_part(walk) : !read_frame_header(walk);
}

static __always_inline void lose_streams(struct http2_connection *connection) {
    if (!__sync_lock_test_and_set(&connection->lost, 1))
        count_lost(&lost_streams);
}

/* Follows the frames of one direction through the bytes of a call; `payload` is NULL if they are not visible. */
static __always_inline void follow_http2(struct sock *sk, const struct exchange *exchange,
                                         const struct payload *payload, bool of_requests) {
    struct http2_connection *connection = bpf_sk_storage_get(&http2_connections, sk, 0, 0);
    struct frame_walk walk = {.exchange = exchange, .connection = connection, .of_requests = of_requests};

    if (!connection || connection->lost)
        return;
    if (!payload || !bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
        lose_streams(connection);
        return;
    }
    walk.frames = of_requests ? &connection->requests : &connection->responses;
    walk.headers = of_requests ? NULL : find_header_table(sk, exchange->socket);
    walk.part = payload->parts;
    walk.parts_end = payload->parts + payload->count * sizeof(struct user_part);
    walk.base = payload->base;
    walk.end = payload->size;
    walk.length = payload->length;
    bpf_loop(HTTP2_STEPS, walk_step, &walk, 0);
    if (walk.at < walk.length)
        lose_streams(connection);
}

/* Starts to follow a connection. A new one starts with the client's preface; `older` ones were found at a frame. */
static __always_inline bool open_http2(struct sock *sk, bool older) {
    struct http2_connection *connection = bpf_sk_storage_get(&http2_connections, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

    if (!connection) {
        count_lost(&lost_streams);
        return false;
    }
    if (!older)
        connection->requests.left = PREFACE_BYTES;
    return true;
}

#endif
