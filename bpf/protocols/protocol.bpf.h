/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_PROTOCOL_BPF_H
#define LORIKEET_PROTOCOL_BPF_H

#include "exchange.bpf.h"
#include "../http/frame_types.bpf.h"
#include "../http/status.bpf.h"
#include "declared.bpf.h"
#include "http2.bpf.h"
#include "../calls/payload.bpf.h"
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
    case PROTOCOL_EXCHANGES:
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
    case FRAME_HEADERS:
        return length && length < 16384 && (bytes[4] & ~FLAG_PRIORITY & ~FLAG_END_STREAM) == FLAG_END_HEADERS &&
               (id & 1) && id < 1 << 30;
    case FRAME_PING:
        return length == 8 && !id && bytes[4] <= FLAG_ACK;
    case FRAME_WINDOW_UPDATE:
        return length == 4 && !bytes[4];
    default:
        return false;
    }
}

/* Collects the first bytes of the side that speaks, until the other one does. Returns an enum protocol. */
__noinline __u32 recognise_call(struct first_bytes *first, const struct payload *payload, __u32 of_client) {
    if (!first || !payload)
        return PROTOCOL_UNSEEN;
    if (first->of_client != of_client)
        __builtin_memset(first, 0, sizeof(*first));
    first->of_client = of_client;
    add_first_bytes(first, payload);
    return recognise(first);
}

/* Looks at the bytes of a call until the protocol is known. `payload` is NULL if they are not visible. */
static __always_inline void look(struct sock *sk, struct socket_state *socket, const struct payload *payload,
                                 bool of_client) {
    struct first_bytes *first = &socket->first;
    enum protocol protocol = PROTOCOL_UNSEEN;

    if (!of_client && !socket->looks && !socket->older && !socket->unseen)
        socket->server_first = true;
    if (!socket->looks)
        protocol = declared_protocol(sk, socket);
    if (payload && protocol == PROTOCOL_UNSEEN) {
        protocol = recognise_call(first, payload, of_client);
        if (protocol == PROTOCOL_UNSEEN && socket->older && is_http2_frame(first->bytes))
            protocol = PROTOCOL_HTTP2;
    }
    if (protocol == PROTOCOL_HTTP1 && of_client && big_endian(first->bytes) == TEXT('C', 'O', 'N', 'N'))
        socket->tunnel = true;
    if (protocol == PROTOCOL_UNSEEN && socket->older && is_tls_data(first->bytes)) {
        set_protocol(sk, socket, PROTOCOL_TLS);
        open_tls(sk, socket, TLS_OPEN);
        return;
    }
    /* The server's greeting was none of a known protocol. */
    if (protocol == PROTOCOL_UNSEEN && (++socket->looks >= MAX_LOOKS || (of_client && socket->server_first)))
        protocol = unrecognised(socket);
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
    __builtin_memset(&socket->first, 0, sizeof(socket->first));
}

/* The first letters of the command of a request to Redis: "*2\r\n$4\r\nLLEN", with counts of one or two digits. */
static __always_inline __u32 redis_command(const __u8 *bytes) {
    /* All are loaded, as the verifier does not allow a choice of addresses on the stack. The size of the command is at
     * 5 or, after a count of two digits, at 6. */
    __u32 at_8 = big_endian(bytes + 8), at_9 = big_endian(bytes + 9), at_10 = big_endian(bytes + 10);
    bool wide = bytes[2] != '\r', wider_6 = bytes[6] != '\r', wider_7 = bytes[7] != '\r';
    bool wider;

    barrier_var(at_8);
    barrier_var(at_9);
    barrier_var(at_10);
    barrier_var(wider_6);
    barrier_var(wider_7);
    if (bytes[0] != '*')
        return 0;
    wider = wide ? wider_7 : wider_6;
    /* Upper case. */
    return (wide && wider ? at_10 : wide || wider ? at_9 : at_8) & ~0x20202020;
}

/* After SUBSCRIBE and its siblings the server only sends messages. */
static __always_inline bool subscribes(__u32 command) {
    return command == TEXT('S', 'U', 'B', 'S') || command == TEXT('P', 'S', 'U', 'B') ||
           command == TEXT('S', 'S', 'U', 'B') || command == TEXT('M', 'O', 'N', 'I') ||
           command == TEXT('P', 'S', 'Y', 'N');
}

/* The response to these commands waits for an event: BLPOP, BRPOP, BLMOVE, BLMPOP, BZPOPMIN, BZMPOP, XREAD, WAIT. */
static __always_inline bool blocks(__u32 command) {
    return command == TEXT('B', 'L', 'P', 'O') || command == TEXT('B', 'R', 'P', 'O') ||
           command == TEXT('B', 'L', 'M', 'O') || command == TEXT('B', 'L', 'M', 'P') ||
           command == TEXT('B', 'Z', 'P', 'O') || command == TEXT('B', 'Z', 'M', 'P') ||
           command == TEXT('X', 'R', 'E', 'A') || command == TEXT('W', 'A', 'I', 'T');
}

/* A request to Redis that has no latency. */
static __always_inline bool waits(struct socket_state *socket, const __u8 *bytes) {
    __u32 command = redis_command(bytes);

    if (subscribes(command))
        socket->way = WAY_NONE;
    return subscribes(command) || blocks(command);
}

/* Length of an alert in TLS 1.2 with the usual ciphers; in TLS 1.3 it has 24 bytes. Data would be a byte or two. */
#define TLS_ALERT 31
/* Terminate of PostgreSQL, and the command QUIT of MySQL. */
#define FAREWELL 5

/* True for a length that bytes of the client have which announce the end of the connection. */
static __always_inline bool is_farewell(const struct socket_state *socket, __u32 length) {
    if (socket->protocol == PROTOCOL_TLS)
        return length <= TLS_ALERT;
    return length == FAREWELL && (socket->protocol == PROTOCOL_POSTGRESQL || socket->protocol == PROTOCOL_MYSQL);
}

/* True if the client's bytes may be no request: they have to be looked at. */
static __always_inline bool may_be_no_request(const struct socket_state *socket, __u32 length) {
    return socket->protocol == PROTOCOL_REDIS || socket->protocol == PROTOCOL_MONGODB ||
           (socket->protocol != PROTOCOL_TLS && is_farewell(socket, length));
}

/* True if the client's bytes have no response, or one that is not measured: it waits for an event, or says goodbye. */
__noinline __u32 is_no_request(struct socket_state *socket, const struct payload *payload, __u32 length) {
    struct first_bytes first;

    if (!socket)
        return false;
    if (socket->protocol == PROTOCOL_TLS)
        return is_farewell(socket, length);
    if (!payload || !may_be_no_request(socket, length))
        return false;
    read_first_bytes(&first, payload);
    switch (socket->protocol) {
    case PROTOCOL_REDIS:
        return waits(socket, first.bytes);
    case PROTOCOL_MONGODB:
        /* OP_MSG with exhaustAllowed: a driver watches its server by it. */
        return first.have > 18 && first.bytes[18] & 1;
    case PROTOCOL_POSTGRESQL:
        return first.bytes[0] == 'X';
    default:
        return first.bytes[3] == 0 && first.bytes[4] == 1;
    }
}

#endif
