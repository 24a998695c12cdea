/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_PROTOCOL_BPF_H
#define LORIKEET_PROTOCOL_BPF_H

#include "exchange.bpf.h"
#include "http/status.bpf.h"
#include "http2.bpf.h"
#include "payload.bpf.h"
#include "recognise.bpf.h"
#include "tls.bpf.h"

/* The protocol of a connection, and so the way to count its requests. */

/* Calls with bytes that are looked at before a protocol is given up. */
#define MAX_LOOKS 6

static __always_inline enum way way_of(enum protocol protocol) {
    switch (protocol) {
    case PROTOCOL_HTTP1:
    case PROTOCOL_REDIS:
    case PROTOCOL_MEMCACHED:
    case PROTOCOL_POSTGRESQL:
    case PROTOCOL_MYSQL:
    case PROTOCOL_MONGODB:
    case PROTOCOL_MAIL:
        return WAY_FIRST;
    case PROTOCOL_HTTP2:
        return WAY_STREAMS;
    case PROTOCOL_TLS:
        return WAY_HANDSHAKE;
    case PROTOCOL_UNSEEN:
    case PROTOCOL_UNKNOWN:
        return WAY_LAST;
    default:
        return WAY_NONE;
    }
}

/* What was counted before is kept; an open request is forgotten where its protocol has none, or not yet. */
static __always_inline void set_protocol(struct sock *sk, struct socket_state *socket, enum protocol protocol) {
    enum way way = way_of(protocol);

    if (way == WAY_STREAMS && !open_http2(sk, socket->older))
        way = WAY_NONE;
    socket->protocol = protocol;
    socket->way = way;
    socket->status = (protocol == PROTOCOL_HTTP1 || protocol == PROTOCOL_HTTP2) && counts_status(sk, socket);
    if (way != WAY_LAST)
        socket->answered_ns = 0;
    if (way != WAY_LAST && way != WAY_FIRST)
        socket->request_ns = 0;
    if (protocol != PROTOCOL_TLS)
        count_protocol(sk, socket);
}

static __always_inline void open_tls(struct sock *sk, struct socket_state *socket, enum tls_progress progress) {
    socket->protocol = socket->tls.alpn == ALPN_HTTP2 ? PROTOCOL_TLS_HTTP2 : PROTOCOL_TLS;
    socket->tickets = progress == TLS_OPEN_TICKETS;
    socket->way = WAY_LAST;
    if (socket->protocol == PROTOCOL_TLS_HTTP2) {
        socket->way = WAY_NONE;
    } else if (socket->tls.alpn == ALPN_HTTP2_OFFERED || progress == TLS_LOST) {
        /* It may be HTTP/2. */
        socket->tickets = false;
    } else if (!socket->tickets) {
        socket->way = WAY_FIRST;
    }
    count_protocol(sk, socket);
}

/* Type 23 of TLS 1.0 to 1.3, whose records all say version 3.x. */
static __always_inline bool is_tls_data(const __u8 *bytes) {
    return bytes[0] == TLS_DATA && bytes[1] == 3 && bytes[2] <= 4;
}

/* A frame with a length that its type must have: PING, WINDOW_UPDATE or a small HEADERS frame that ends its block. */
static __always_inline bool is_http2_frame(const __u8 *bytes) {
    __u32 length = big_endian(bytes) >> 8;
    __u32 id = big_endian(bytes + 5);

    switch (bytes[3]) {
    case 1:
        return length && length < 16384 && (bytes[4] & ~FLAG_PRIORITY & ~1) == 4 && (id & 1) && id < 1 << 30;
    case 6:
        return length == 8 && !id && bytes[4] <= 1;
    case 8:
        return length == 4 && !bytes[4];
    default:
        return false;
    }
}

/* For a connection whose first bytes were missed. */
static __always_inline enum protocol of_older(const __u8 *bytes) {
    return is_http2_frame(bytes) ? PROTOCOL_HTTP2 : PROTOCOL_UNSEEN;
}

/* Looks at the bytes of a call until the protocol is known. `payload` is NULL if they are not visible. */
static __always_inline void look(struct sock *sk, struct socket_state *socket, const struct payload *payload,
                                 bool of_client) {
    struct first_bytes first = {};
    const __u8 *bytes = first.bytes;
    enum protocol protocol = PROTOCOL_UNSEEN;

    if (payload && read_start(payload, first.bytes)) {
        protocol = recognise(&first, payload->length, of_client);
        if (protocol == PROTOCOL_UNSEEN && socket->older)
            protocol = of_older(bytes);
    }
    if (protocol == PROTOCOL_HTTP1 && of_client && big_endian(bytes) == TEXT('C', 'O', 'N', 'N'))
        socket->tunnel = true;
    if (protocol == PROTOCOL_UNSEEN && socket->older && is_tls_data(bytes)) {
        set_protocol(sk, socket, PROTOCOL_TLS);
        open_tls(sk, socket, TLS_OPEN);
        return;
    }
    if (protocol == PROTOCOL_UNSEEN && ++socket->looks >= MAX_LOOKS)
        protocol = PROTOCOL_UNKNOWN;
    if (protocol != PROTOCOL_UNSEEN)
        set_protocol(sk, socket, protocol);
}

/* Follows the handshake of TLS; when the client's first data has come, its requests are counted. */
static __always_inline void handshake(struct sock *sk, struct socket_state *socket, const struct payload *payload,
                                      bool of_client) {
    enum tls_progress progress = payload ? follow_tls(&socket->tls, payload, of_client) : TLS_LOST;

    /* The server's side only says what is inside. */
    if (progress != TLS_IN_HANDSHAKE && of_client)
        open_tls(sk, socket, progress);
}

/* After CONNECT a proxy passes on another protocol, with first bytes of its own. */
static __always_inline void look_again(struct socket_state *socket) {
    socket->protocol = PROTOCOL_UNSEEN;
    socket->way = WAY_LAST;
    socket->looks = 0;
    socket->tunnel = false;
}

/* The first letters of the command of a request to Redis: "*2\r\n$4\r\nLLEN", with counts of one or two digits. */
static __always_inline __u32 redis_command(const struct payload *payload) {
    __u32 at = 4;
    __u8 bytes[8] = {};
    __u8 command[4];

    if (read_start(payload, bytes) < sizeof(bytes) || bytes[0] != '*')
        return 0;
    at += bytes[2] == '\r' ? 4 : 5;
    /* The size of the command is at 5 or, after a count of two digits, at 6. */
    at += (bytes[2] == '\r' ? bytes[6] : bytes[7]) != '\r';
    if (at + sizeof(command) > payload->size ||
        bpf_probe_read_user(command, sizeof(command), (const void *)(payload->base + at)))
        return 0;
    /* Upper case. */
    return big_endian(command) & ~0x20202020;
}

/* True for a request whose response waits for an event: its duration is not latency. After some of them the server only
 * sends messages. */
static __always_inline bool waits(struct sock *sk, struct socket_state *socket, const struct payload *payload) {
    __u8 bytes[20] = {};

    if (socket->protocol == PROTOCOL_MONGODB)
        /* OP_MSG with exhaustAllowed: a driver watches its server by it. */
        return read_start(payload, bytes) == sizeof(bytes) && bytes[18] & 1;
    if (socket->protocol != PROTOCOL_REDIS)
        return false;
    switch (redis_command(payload)) {
    case TEXT('S', 'U', 'B', 'S'):
    case TEXT('P', 'S', 'U', 'B'):
    case TEXT('S', 'S', 'U', 'B'):
    case TEXT('M', 'O', 'N', 'I'):
    case TEXT('P', 'S', 'Y', 'N'):
        socket->way = WAY_NONE;
        return true;
    case TEXT('B', 'L', 'P', 'O'):
    case TEXT('B', 'R', 'P', 'O'):
    case TEXT('B', 'L', 'M', 'O'):
    case TEXT('B', 'L', 'M', 'P'):
    case TEXT('B', 'Z', 'P', 'O'):
    case TEXT('B', 'Z', 'M', 'P'):
    case TEXT('X', 'R', 'E', 'A'):
    case TEXT('W', 'A', 'I', 'T'):
        return true;
    default:
        return false;
    }
}

#endif
