/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_HTTP1_BPF_H
#define LORIKEET_HTTP1_BPF_H

#include "../calls/payload.bpf.h"
#include "../protocols/recognise.bpf.h"
#include "../shared/types.bpf.h"

/* Status lines of HTTP/1.x (RFC 9112). */

#define HTTP_TEXT TEXT('H', 'T', 'T', 'P')

/* The status of an HTTP/1.x response, or 0. */
__noinline __u32 http_status(const struct payload *payload) {
    struct first_bytes first;
    const __u8 *bytes = first.bytes;

    if (!payload)
        return 0;
    read_first_bytes(&first, payload);
    if (first.have < 12 || big_endian(bytes) != HTTP_TEXT || bytes[8] != ' ' || bytes[4] != '/' || bytes[5] != '1' ||
        bytes[6] != '.')
        return 0;
    if (bytes[9] < '1' || bytes[9] > '5' || !is_digit(bytes[10]) || !is_digit(bytes[11]))
        return 0;
    return (bytes[9] - '0') * 100 + (bytes[10] - '0') * 10 + bytes[11] - '0';
}

#define SWITCHING_PROTOCOLS 101

#define HEAD_CHUNK 16
#define HEAD_CHUNKS 32

/* The search for the blank line that ends an HTTP/1.x response without a body. */
struct head_search {
    __u64 base;
    __u32 size;
    __u32 length; /* of the response; 0: not found */
};

/* Ends the loop by 1. */
static long search_chunk(__u32 index, struct head_search *search) {
    __u32 at = index * HEAD_CHUNK;
    __u8 bytes[HEAD_CHUNK + 3];

    if (at >= search->size || bpf_probe_read_user(bytes, sizeof(bytes), (const void *)(search->base + at)))
        return 1;
    for (int i = 0; i < HEAD_CHUNK; i++) {
        if (big_endian(bytes + i) == TEXT('\r', '\n', '\r', '\n')) {
            search->length = at + i + 4;
            return 1;
        }
    }
    return 0;
}

/* The status class of the response after an interim one in the same call; 1: none, 0: not visible. */
static __always_inline __u32 class_after_interim(const struct payload *payload) {
    struct head_search search = {.base = payload->base, .size = payload->size};
    struct payload rest = {};

    if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop))
        bpf_loop(HEAD_CHUNKS, search_chunk, &search, 0);
    if (!search.length || search.length >= payload->length)
        return 1;
    if (search.length >= payload->size)
        return 0;
    rest.base = payload->base + search.length;
    rest.size = payload->size - search.length;
    rest.length = rest.size;
    return http_status(&rest) / 100;
}

#endif
