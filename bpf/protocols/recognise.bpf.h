/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_RECOGNISE_BPF_H
#define LORIKEET_RECOGNISE_BPF_H

#include "../shared/maps.bpf.h"
#include "../shared/protocols.h"
#include "../shared/types.bpf.h"

/* Recognises a protocol by the first bytes of a connection. Every test asks for enough of them that another protocol
 * does not pass by chance; what passes none is PROTOCOL_UNSEEN. */

#define TEXT(a, b, c, d) ((__u32)(a) << 24 | (__u32)(b) << 16 | (__u32)(c) << 8 | (__u32)(d))

static __always_inline __u32 big_endian(const __u8 *bytes) {
    return TEXT(bytes[0], bytes[1], bytes[2], bytes[3]);
}

static __always_inline __u32 little_endian(const __u8 *bytes) {
    return TEXT(bytes[3], bytes[2], bytes[1], bytes[0]);
}

static __always_inline bool is_digit(__u8 byte) {
    return byte >= '0' && byte <= '9';
}

/* "CONNECT" is a method of HTTP, and a command of NATS and STOMP. */
static __always_inline enum protocol of_connect(const __u8 *bytes) {
    if (bytes[7] == ' ')
        return bytes[8] == '{' ? PROTOCOL_NATS : PROTOCOL_HTTP1;
    return bytes[7] == '\n' || bytes[7] == '\r' ? PROTOCOL_STOMP : PROTOCOL_UNSEEN;
}

static __always_inline enum protocol of_request_text(const __u8 *bytes) {
    switch (big_endian(bytes)) {
    case TEXT('G', 'E', 'T', ' '):
    case TEXT('P', 'O', 'S', 'T'):
    case TEXT('P', 'U', 'T', ' '):
    case TEXT('H', 'E', 'A', 'D'):
    case TEXT('D', 'E', 'L', 'E'):
    case TEXT('P', 'A', 'T', 'C'):
    case TEXT('O', 'P', 'T', 'I'):
    case TEXT('T', 'R', 'A', 'C'):
        return PROTOCOL_HTTP1;
    case TEXT('P', 'R', 'I', ' '):
        return PROTOCOL_HTTP2;
    case TEXT('C', 'O', 'N', 'N'):
        return of_connect(bytes);
    case TEXT('S', 'T', 'O', 'M'):
        return PROTOCOL_STOMP;
    case TEXT('A', 'M', 'Q', 'P'):
        return PROTOCOL_AMQP;
    case TEXT('g', 'e', 't', ' '):
    case TEXT('g', 'e', 't', 's'):
    case TEXT('s', 'e', 't', ' '):
    case TEXT('a', 'd', 'd', ' '):
    case TEXT('i', 'n', 'c', 'r'):
    case TEXT('v', 'e', 'r', 's'):
        return PROTOCOL_MEMCACHED;
    case TEXT('H', 'E', 'L', 'O'):
    case TEXT('E', 'H', 'L', 'O'):
    case TEXT('L', 'H', 'L', 'O'):
        return PROTOCOL_MAIL;
    case TEXT('S', 'S', 'H', '-'):
        return PROTOCOL_SSH;
    case TEXT('<', '?', 'x', 'm'):
    case TEXT('<', 's', 't', 'r'):
        return PROTOCOL_XMPP;
    default:
        return PROTOCOL_UNSEEN;
    }
}

/* Handshake record of any version of TLS: type 22, version 3.x. */
static __always_inline bool is_tls_handshake(const __u8 *bytes) {
    return bytes[0] == 22 && bytes[1] == 3 && bytes[2] <= 4;
}

/* CONNECT: type 1, the remaining length in one or two bytes, the protocol's name with its length. */
static __always_inline bool is_mqtt_connect(const __u8 *bytes) {
    __u32 name = big_endian(bytes + 4), later = big_endian(bytes + 5);

    return bytes[0] == 0x10 && (name == TEXT('M', 'Q', 'T', 'T') || name == TEXT('M', 'Q', 'I', 's') ||
                                later == TEXT('M', 'Q', 'T', 'T') || later == TEXT('M', 'Q', 'I', 's'));
}

/* The length, then version 3.0 or 3.2, or the code of a cancel request. An SSL request is not enough: TLS may follow.
 */
static __always_inline bool is_postgresql_startup(const __u8 *bytes) {
    __u32 code = big_endian(bytes + 4);

    return bytes[0] == 0 && (code == 196608 || code == 196610 || code == 80877102);
}

/* The length of the rest, the number of an API (ApiVersions, or Metadata of old clients) and its version. */
static __always_inline bool is_kafka_request(const __u8 *bytes, __u32 length) {
    __u8 api = bytes[5];

    return big_endian(bytes) == length - 4 && !bytes[4] && (api == 18 || api == 3) && !bytes[6] && bytes[7] < 20;
}

/* The length, and the number of an operation: OP_MSG, or OP_QUERY of old clients. */
static __always_inline bool is_mongodb_request(const __u8 *bytes, __u32 length) {
    __u32 operation = little_endian(bytes + 12);

    return little_endian(bytes) == length && (operation == 2013 || operation == 2004);
}

/* Version 3 to 5, stream 0, OPTIONS or STARTUP, the length of the rest. */
static __always_inline bool is_cassandra_request(const __u8 *bytes, __u32 length) {
    return bytes[0] >= 3 && bytes[0] <= 5 && (bytes[4] == 5 || bytes[4] == 1) && big_endian(bytes + 5) == length - 9;
}

/* A priority of one to three digits in angle brackets. */
static __always_inline bool is_syslog(const __u8 *bytes) {
    return bytes[0] == '<' && is_digit(bytes[1]) && (bytes[2] == '>' || bytes[3] == '>' || bytes[4] == '>');
}

/* By the first bytes of the side that sends requests; `length` is that of the call. */
static __always_inline enum protocol of_request(const __u8 *bytes, __u32 length) {
    enum protocol protocol = of_request_text(bytes);

    if (protocol != PROTOCOL_UNSEEN)
        return protocol;
    if (is_tls_handshake(bytes))
        return PROTOCOL_TLS;
    if (bytes[0] == '*' && is_digit(bytes[1]))
        return PROTOCOL_REDIS;
    if (big_endian(bytes) == TEXT('P', 'I', 'N', 'G') && bytes[4] == '\r')
        return PROTOCOL_REDIS;
    if (is_mqtt_connect(bytes))
        return PROTOCOL_MQTT;
    if (is_postgresql_startup(bytes))
        return PROTOCOL_POSTGRESQL;
    if (bytes[0] == 0x80 && bytes[1] < 0x40 && length >= 24)
        return PROTOCOL_MEMCACHED;
    if (is_kafka_request(bytes, length))
        return PROTOCOL_KAFKA;
    if (is_mongodb_request(bytes, length))
        return PROTOCOL_MONGODB;
    if (is_cassandra_request(bytes, length))
        return PROTOCOL_CASSANDRA;
    return is_syslog(bytes) ? PROTOCOL_SYSLOG : PROTOCOL_UNSEEN;
}

/* A greeting: the length of the rest in three bytes, number 0, version 10 or 9. */
static __always_inline bool is_mysql_greeting(const __u8 *bytes, __u32 length) {
    return (little_endian(bytes) & 0xffffff) == length - 4 && bytes[3] == 0 && (bytes[4] == 10 || bytes[4] == 9);
}

/* Connection.Start: a method frame on channel 0, class 10, method 10. */
static __always_inline bool is_amqp_start(const __u8 *bytes) {
    return big_endian(bytes) >> 8 == 0x010000 && big_endian(bytes + 7) == 0x000a000a;
}

/* SETTINGS on stream 0. */
static __always_inline bool is_http2_settings(const __u8 *bytes) {
    return bytes[0] == 0 && bytes[1] == 0 && bytes[3] == 4 && bytes[4] == 0 && big_endian(bytes + 5) == 0;
}

/* "220 ", "220-", "+OK " and "* OK". */
static __always_inline bool is_mail_greeting(const __u8 *bytes) {
    __u32 text = big_endian(bytes);

    return text == TEXT('2', '2', '0', ' ') || text == TEXT('2', '2', '0', '-') || text == TEXT('+', 'O', 'K', ' ') ||
           text == TEXT('*', ' ', 'O', 'K');
}

/* By the first bytes of the side that answers. */
static __always_inline enum protocol of_response(const __u8 *bytes, __u32 length) {
    switch (big_endian(bytes)) {
    case TEXT('H', 'T', 'T', 'P'):
        return PROTOCOL_HTTP1;
    case TEXT('I', 'N', 'F', 'O'):
        return PROTOCOL_NATS;
    case TEXT('S', 'S', 'H', '-'):
        return PROTOCOL_SSH;
    case TEXT('A', 'M', 'Q', 'P'):
        return PROTOCOL_AMQP;
    }
    if (is_mail_greeting(bytes))
        return PROTOCOL_MAIL;
    if (is_mysql_greeting(bytes, length))
        return PROTOCOL_MYSQL;
    if (is_amqp_start(bytes))
        return PROTOCOL_AMQP;
    return is_http2_settings(bytes) ? PROTOCOL_HTTP2 : PROTOCOL_UNSEEN;
}

/* A function of its own, so that the verifier checks it once. */
__noinline __u32 recognise(const struct first_bytes *first) {
    if (!first)
        return PROTOCOL_UNSEEN;
    return first->of_client ? of_request(first->bytes, first->length) : of_response(first->bytes, first->length);
}

#endif
