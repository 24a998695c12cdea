/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_SOCKET_STATE_BPF_H
#define LORIKEET_SOCKET_STATE_BPF_H

#include "attribution.h"
#include "protocols.h"
#include "types.bpf.h"

enum phase {
    PHASE_NONE,         /* no connection yet, or one older than the programs */
    PHASE_ROLE_UNKNOWN, /* older than the programs, role unknown */
    PHASE_LISTENING,
    PHASE_CONNECTING,
    PHASE_ESTABLISHED,
    PHASE_MOVING, /* established, and its owner is being changed, see ownership.bpf.h */
    PHASE_CLOSED,
};

/* The measure of a request's duration, see exchange.bpf.h. */
enum way {
    WAY_LAST,      /* from the last call of the request to the last call of the response */
    WAY_FIRST,     /* from the first call of the request to the first call of the response */
    WAY_HANDSHAKE, /* of TLS: not counted, then one of the first two */
    WAY_STREAMS,   /* HTTP/2 */
    WAY_NONE,      /* messages: not counted */
};

/* The application protocols in the hello of TLS (ALPN). */
enum alpn {
    ALPN_NONE,
    ALPN_OTHER,
    ALPN_HTTP2_OFFERED, /* by the client, which offers others as well */
    ALPN_HTTP2,
};

/* One direction of a TLS handshake, see tls.bpf.h. */
struct tls_side {
    __u32 skip;      /* bytes of the current record */
    __u8 handshakes; /* records of the handshake in clear text */
    __u8 data;       /* records of application data */
    __u8 finished;   /* the record that ends the handshake has passed */
    __u8 hello_next; /* the next call starts with the content of a hello */
};

struct tls_handshake {
    struct tls_side client, server;
    __u32 alpn; /* enum alpn */
};

enum reads {
    READS_UNKNOWN,  /* before the handshake's end, or older than the programs */
    READS_FOLLOWED, /* read_sequence is a sequence number */
    READS_OPAQUE,   /* the socket's counters do not tell */
};

/* The first bytes of one side of a connection, see recognise.bpf.h. */
#define FIRST_BYTES 32

struct first_bytes {
    __u8 bytes[2 * FIRST_BYTES]; /* one half is filled, the other satisfies the verifier, see add_first_bytes */
    __u32 have;                  /* bytes of them */
    __u32 length;                /* of all calls so far */
    __u32 of_client;             /* sent by the client */
};

/* State of one socket, freed by the kernel with the socket. It holds complete keys: a lookup needs no copy. */
struct socket_state {
    struct service_key service; /* role ROLE_UNKNOWN: not tracked */
    struct edge_key edge;       /* clients only */
    __u64 phase_ns;             /* start of the phase, 0 if before the programs */
    __u64 request_ns;           /* start of the open request, 0: none */
    __u64 answered_ns;          /* WAY_LAST: last call of its response so far, 0: none */
    __u64 sampled_ns;           /* last sample of the round-trip time, 0: none */
    __u64 edge_refused_ns;      /* when its cgroup was last refused a row of `edges` as unmonitored, 0: never */
    __u32 phase;                /* enum phase; without the socket's lock, change it only by an atomic exchange */
    __u32 counted;              /* its open was counted in tcp_stats, so its close must be */
    __u32 cut_short;            /* the peer sent FIN while a request was open */
    __u32 given_up;             /* the wait for a response has ended, see tcp.bpf.c */
    __u32 half_closed;          /* the peer has sent FIN */
    __u32 half_closed_sequence; /* end of the bytes sent before that FIN came */
    __u32 retransmitted;        /* part of total_retrans already counted in tcp_stats */
    __u32 resets;               /* bit mask of the reset_directions already counted */
    __u32 owned;                /* its owner was compared with the task that uses it, see ownership.bpf.h */
    __u32 reads;                /* enum reads */
    __u32 read_sequence;        /* end of the bytes counted as received, see unseen.bpf.h */
    __u32 unseen;               /* the process may take bytes without a receive call */
    __u64 held_duration;        /* not in the maps yet, see held.bpf.h */
    __u32 held_bytes;           /* the same */
    __u64 part_ns;              /* last call of an open request after its first, see client_wait.bpf.h */
    __u64 client_wait_ns;       /* the open request's, not in the maps yet */
    __u64 unseen_ns;            /* last send after such bytes that changed the direction, 0: none */
    __u8 protocol;              /* enum protocol */
    __u8 way;                   /* enum way */
    __u8 looks;                 /* calls whose bytes were looked at */
    __u8 heard;                 /* the server has sent bytes */
    __u8 older;                 /* than the programs: its first bytes were missed */
    __u8 tickets;               /* TLS 1.3: tickets may come before the first response */
    __u8 tunnel;                /* HTTP/1.x: CONNECT was asked for */
    __u8 status;                /* of HTTP: its responses are counted by status */
    __u8 server_first;          /* the server has sent the first bytes */
    __u8 other_waits;           /* after the call at part_ns it is not the client that is waited for */
    __u8 reserved[2];
    struct tls_handshake tls;
    struct first_bytes first;
};

#endif
