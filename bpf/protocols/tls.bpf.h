/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_TLS_BPF_H
#define LORIKEET_TLS_BPF_H

#include "../calls/payload.bpf.h"
#include "recognise.bpf.h"
#include "../shared/maps.bpf.h"
#include "../shared/types.bpf.h"

/* Finds the end of a TLS handshake, by the headers of its records, which are in clear text: the first record of
 * application data that the client sends (RFC 8446, RFC 5246).
 *
 *   up to TLS 1.2: the first record of type 23;
 *   TLS 1.3: type 23 also hides the end of the handshake, Finished, whose record has 53 or 69 bytes (a hash of 32 or
 * 48, a header of 4, the type, a tag of 16). A client certificate comes before it.
 *
 * After Finished a server of TLS 1.3 sends session tickets, which look like a response. */

#define TLS_HEADER 5
#define TLS_CHANGE_CIPHER_SPEC 20
#define TLS_HANDSHAKE 22
#define TLS_DATA 23
#define TLS_HELLO 1   /* the client's handshake message in clear text */
#define TLS_HELLOS 2  /* at most, in one handshake */
#define TLS_RECORDS 6 /* read in one call */
#define TLS_FINISHED_SHA256 53
#define TLS_FINISHED_SHA384 69
/* Records of application data before the one that must be Finished: certificate, its proof, early data. */
#define TLS_BEFORE_FINISHED 4

#define ALPN_EXTENSION 16
#define EXTENSIONS 24 /* read in one hello */

enum tls_progress {
    TLS_IN_HANDSHAKE,
    TLS_OPEN,
    TLS_OPEN_TICKETS, /* tickets may come before the first response */
    TLS_LOST,         /* a header is split over two calls, or not visible */
};

/* One side's stream of records, as far as it was read. */
struct record {
    __u64 address; /* of its content */
    __u32 length;
    __u32 visible; /* bytes of it in this call */
    __u8 type;
    __u8 first; /* byte of the content, if visible */
};

static __always_inline __u32 big_endian_16(const __u8 *bytes) {
    return (__u32)bytes[0] << 8 | bytes[1];
}

/* Reads a byte, or two in network order, in the memory of the process. */
static __always_inline long read_length(__u64 address, __u32 width, __u32 *length) {
    __u8 bytes[2] = {};
    long error = bpf_probe_read_user(bytes, width, (const void *)address);

    *length = width == 1 ? bytes[0] : big_endian_16(bytes);
    return error;
}

/* Names of application protocols in a hello that are looked at. */
#define ALPN_NAMES 3

/* `extension` is the address of its header of 4 bytes; then come the length of the list, and its names. */
static __always_inline enum alpn read_alpn(__u64 extension, __u32 length) {
    __u64 at = extension + 6, end = extension + 4 + length;
    bool http2 = false, other = false;
    __u8 name[3];

    for (int i = 0; i < ALPN_NAMES; i++) {
        if (at + sizeof(name) > end || bpf_probe_read_user(name, sizeof(name), (const void *)at))
            break;
        if (name[0] == 2 && name[1] == 'h' && name[2] == '2')
            http2 = true;
        else
            other = true;
        at += 1 + name[0];
    }
    if (!http2)
        return other ? ALPN_OTHER : ALPN_NONE;
    return other ? ALPN_HTTP2_OFFERED : ALPN_HTTP2;
}

/* The application protocols that a client offers in its hello, or that a server chooses in its hello, which it does in
 * clear text up to TLS 1.2. After the header of 4 bytes, the version and 32 random bytes: the session id, the cipher
 * suites and the compression methods (client), one of each (server), the extensions. */
__noinline __u32 hello_alpn(const struct record *hello) {
    __u64 at, end;
    __u32 length;
    __u8 head[4];

    if (!hello)
        return ALPN_NONE;
    at = hello->address + 38;
    end = hello->address + hello->visible;
    if (read_length(at, 1, &length))
        return ALPN_NONE;
    at += 1 + length;
    if (hello->first == TLS_HELLO) {
        if (read_length(at, 2, &length))
            return ALPN_NONE;
        at += 2 + length;
        if (read_length(at, 1, &length))
            return ALPN_NONE;
        at += 1 + length;
    } else {
        at += 3;
    }
    at += 2;
    for (int i = 0; i < EXTENSIONS; i++) {
        if (at + sizeof(head) > end || bpf_probe_read_user(head, sizeof(head), (const void *)at))
            break;
        length = big_endian_16(head + 2);
        if (big_endian_16(head) == ALPN_EXTENSION)
            return read_alpn(at, length);
        at += sizeof(head) + length;
    }
    return ALPN_NONE;
}

/* In TLS 1.3 the server names its choice in its first encrypted message. Libraries that give that message a record of
 * its own reveal the choice by its length: 23 bytes of header, type and tag, 9 for HTTP/2 and 15 for HTTP/1.1, and 4 if
 * the client named the server. */
static __always_inline enum alpn alpn_by_length(__u32 length) {
    switch (length) {
    case 23 + 9:
    case 23 + 9 + 4:
        return ALPN_HTTP2;
    case 23:
    case 23 + 4:
    case 23 + 15:
    case 23 + 15 + 4:
        return ALPN_OTHER;
    default:
        return ALPN_HTTP2_OFFERED;
    }
}

/* A hello fills its record, as the 3 bytes after its type say. Of an encrypted record, such as Finished up to TLS 1.2,
 * one in 256 begins like a hello. */
static __always_inline bool is_hello(const struct record *record) {
    __u8 head[4];

    if (record->first != TLS_HELLO || record->visible < sizeof(head) ||
        bpf_probe_read_user(head, sizeof(head), (const void *)record->address))
        return false;
    return !head[1] && big_endian_16(head + 2) + sizeof(head) == record->length;
}

static __always_inline void handshake_record(struct tls_handshake *tls, struct tls_side *side,
                                             const struct record *record) {
    enum alpn alpn;

    /* A client repeats its hello if the server asks for other keys. */
    if (side->handshakes && is_hello(record))
        return;
    if (side->handshakes++ || !record->visible)
        return;
    alpn = hello_alpn(record);
    if (alpn != ALPN_NONE)
        tls->alpn = alpn;
}

static __always_inline enum tls_progress data_record(struct tls_side *side, __u32 length) {
    /* Up to TLS 1.2 the client's Finished is a handshake record. */
    if (side->handshakes > 1)
        return TLS_OPEN;
    if (side->finished || side->data >= TLS_BEFORE_FINISHED)
        return TLS_OPEN_TICKETS;
    side->finished = length == TLS_FINISHED_SHA256 || length == TLS_FINISHED_SHA384;
    side->data++;
    return TLS_IN_HANDSHAKE;
}

/* Handles the header of one record; a content that starts in the next call has no visible bytes. */
static __always_inline enum tls_progress one_record(struct tls_handshake *tls, struct tls_side *side,
                                                    const struct record *record, bool of_client) {
    if (record->type == TLS_HANDSHAKE)
        handshake_record(tls, side, record);
    if (record->type != TLS_DATA)
        return TLS_IN_HANDSHAKE;
    if (of_client)
        return data_record(side, record->length);
    if (tls->alpn == ALPN_HTTP2_OFFERED && !side->data)
        tls->alpn = alpn_by_length(record->length);
    side->data = 1;
    return TLS_IN_HANDSHAKE;
}

/* Follows the records of one side through the bytes of a call. Returns an enum tls_progress. A function of its own, so
 * that the verifier checks it once. */
__noinline __u32 follow_tls(struct tls_handshake *tls, const struct payload *payload, __u32 of_client) {
    enum tls_progress progress;
    struct tls_side *side;
    struct record record;
    __u8 head[TLS_HEADER + 1];
    __u32 at = 0;

    if (!tls || !payload)
        return TLS_LOST;
    side = of_client ? &tls->client : &tls->server;
    /* Many libraries read a header first, and then the content. */
    if (side->hello_next) {
        side->hello_next = 0;
        record = (struct record){.address = payload->base, .length = side->skip, .type = TLS_HANDSHAKE};
        record.visible = payload->size < side->skip ? payload->size : side->skip;
        if (!bpf_probe_read_user(&record.first, 1, (const void *)payload->base))
            handshake_record(tls, side, &record);
    }
    for (int i = 0; i < TLS_RECORDS; i++) {
        if (side->skip >= payload->length - at) {
            side->skip -= payload->length - at;
            return TLS_IN_HANDSHAKE;
        }
        at += side->skip;
        side->skip = 0;
        if (at + TLS_HEADER > payload->size)
            return TLS_LOST;
        head[TLS_HEADER] = 0;
        record.visible = payload->size - at - TLS_HEADER;
        if (bpf_probe_read_user(head, record.visible ? TLS_HEADER + 1 : TLS_HEADER, (const void *)(payload->base + at)))
            return TLS_LOST;
        if (head[0] < TLS_CHANGE_CIPHER_SPEC || head[0] > TLS_DATA || head[1] != 3)
            return TLS_LOST;
        at += TLS_HEADER;
        record.type = head[0];
        record.first = head[TLS_HEADER];
        record.length = big_endian_16(head + 3);
        record.address = payload->base + at;
        if (record.visible > record.length)
            record.visible = record.length;
        side->skip = record.length;
        if (record.type == TLS_HANDSHAKE && !record.visible && side->handshakes < TLS_HELLOS) {
            side->hello_next = 1;
            continue;
        }
        progress = one_record(tls, side, &record, of_client);
        if (progress != TLS_IN_HANDSHAKE)
            return progress;
    }
    return TLS_LOST;
}

#endif
