/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_PROTOCOLS_H
#define LORIKEET_PROTOCOLS_H

#include <linux/types.h>

/* Application protocols, as recognised by the first bytes of a connection (recognise.bpf.h). User space has their names
 * in the same order (exporter/identity/protocols.ts). */
enum protocol {
    PROTOCOL_UNSEEN,  /* not enough bytes yet */
    PROTOCOL_UNKNOWN, /* not recognised, or the bytes are not visible */
    PROTOCOL_HTTP1,
    PROTOCOL_HTTP2,
    PROTOCOL_TLS,
    PROTOCOL_TLS_HTTP2, /* TLS with HTTP/2 inside */
    PROTOCOL_REDIS,
    PROTOCOL_MEMCACHED,
    PROTOCOL_POSTGRESQL,
    PROTOCOL_MYSQL,
    PROTOCOL_MONGODB,
    PROTOCOL_MAIL, /* SMTP, FTP, POP3, IMAP: lines, and a greeting of the server */
    PROTOCOL_AMQP,
    PROTOCOL_MQTT,
    PROTOCOL_NATS,
    PROTOCOL_STOMP,
    PROTOCOL_KAFKA,
    PROTOCOL_CASSANDRA,
    PROTOCOL_WEBSOCKET,
    PROTOCOL_SSH,
    PROTOCOL_SYSLOG,
    PROTOCOL_XMPP,
    PROTOCOL_EXCHANGES, /* declared: one response to each request */
    PROTOCOL_MESSAGES,  /* unknown, and the server speaks first: what it sends later answers nothing */
    PROTOCOLS,
};

/* Map `declared_protocols`: a server's address and port -> enum protocol, as its user declares it. */
struct declared_port {
    __u8 address[16]; /* as in struct edge_key */
    __u16 port;       /* host order */
    __u16 reserved[3];
};

/* Connections by protocol. Map `port_protocols`: struct port_protocol_key -> connections of a server's port. Map
 * `edge_protocols`: struct edge_key, with the protocol in `protocol` -> connections of a client. */
struct port_protocol_key {
    __u64 cgroup;
    __u16 port;     /* host order */
    __u16 protocol; /* enum protocol */
    __u16 reserved[2];
};

#endif
