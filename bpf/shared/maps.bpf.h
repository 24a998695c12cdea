/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_MAPS_BPF_H
#define LORIKEET_MAPS_BPF_H

#include "attribution.h"
#include "protocols.h"
#include "requests.h"
#include "tcp.h"
#include "types.bpf.h"

/* Maps that several programs' files use, defined once in maps.bpf.c; `bpftool gen object` links them. A map that one
 * file uses is defined in that file, with its lost events and its initial value.
 *
 * Plain hashes, not LRU: losses of a full map are counted, while an LRU map drops counters silently. Not
 * preallocated: a row takes value size x possible CPUs, 230 MB for 16384 edges on a node with 64 CPUs. */

/* A count of events that were not counted: a per-CPU array of one u64. User space finds them by their names
 * (exporter/kernel/lost-events.ts).
 *
 * lost_<map>: no row could be made: the map is full, or memory could not be allocated. lost_sockets counts sockets:
 * those without a state, and those older than the programs whose role is unknown.
 * unattributed_<event>: events that cannot be attributed.
 * unmonitored_<map>: rows refused to cgroups that nobody monitors: no loss, since nobody would see them. */
struct event_count {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
};

/* A per-CPU hash of counters. */
#define COUNTERS_MAP(name, rows, key_type, value_type)                                                                 \
    struct name##_map {                                                                                                \
        __uint(type, BPF_MAP_TYPE_PERCPU_HASH);                                                                        \
        __uint(max_entries, rows);                                                                                     \
        __uint(map_flags, BPF_F_NO_PREALLOC);                                                                          \
        __type(key, key_type);                                                                                         \
        __type(value, value_type);                                                                                     \
    }

/* Declares the shared one. */
#define COUNTERS(name, rows, key_type, value_type)                                                                     \
    COUNTERS_MAP(name, rows, key_type, value_type);                                                                    \
    extern struct name##_map name SEC(".maps");                                                                        \
    extern struct event_count lost_##name SEC(".maps");                                                                \
    extern const value_type zero_##name

/* Defines one for the file that it stands in. */
#define OWN_COUNTERS(name, rows, key_type, value_type)                                                                 \
    COUNTERS_MAP(name, rows, key_type, value_type) name SEC(".maps");                                                  \
    struct event_count lost_##name SEC(".maps");                                                                       \
    static const value_type zero_##name = {}

COUNTERS(requests, 4096, struct service_key, struct request_stats);
COUNTERS(edges, 16384, struct edge_key, struct edge_stats);
COUNTERS(tcp, 4096, struct service_key, struct tcp_stats);
COUNTERS(listeners, 4096, struct listener_key, struct listener_stats);

struct accept_queues_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, struct accept_queue);
};

struct cgroups_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8192);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, struct cgroup_info);
};

/* Paths of new cgroups, by id; user space deletes what it has read. */
struct cgroup_paths_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8192);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, struct cgroup_path);
};

/* Id of a target's cgroup -> enum cgroup_state, written by user space. */
struct targets_map {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8192);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, __u32);
};

struct row_use_map {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, SHARED_MAPS);
    __type(key, __u32);
    __type(value, struct row_use);
};

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

/* State of one socket, freed by the kernel with the socket. It holds complete keys: a lookup needs no copy. */
/* The first bytes of one side of a connection, see recognise.bpf.h. */
#define FIRST_BYTES 32

struct first_bytes {
    __u8 bytes[2 * FIRST_BYTES]; /* one half is filled, the other satisfies the verifier, see add_first_bytes */
    __u32 have;                  /* bytes of them */
    __u32 length;                /* of all calls so far */
    __u32 of_client;             /* sent by the client */
};

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
    __u8 reserved[3];
    struct tls_handshake tls;
    struct first_bytes first;
};

struct sockets_map {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct socket_state);
};

extern struct accept_queues_map accept_queues SEC(".maps");
extern struct cgroups_map cgroups SEC(".maps");
extern struct cgroup_paths_map cgroup_paths SEC(".maps");
extern struct targets_map targets SEC(".maps");
extern struct row_use_map row_use SEC(".maps");
extern const struct cgroup_path zero_cgroup_path;
extern struct sockets_map sockets SEC(".maps");

COUNTERS(port_protocols, 8192, struct port_protocol_key, __u64);
COUNTERS(edge_protocols, 16384, struct edge_key, __u64);

extern struct event_count lost_cgroups SEC(".maps");
extern struct event_count lost_cgroup_paths SEC(".maps");
extern struct event_count lost_sockets SEC(".maps");

/* For words written in process and in softirq context: a softirq may interrupt a plain add on the same CPU between its
 * load and its store, and the softirq's increment would be lost. */
#define atomic_add(word, n) ((void)__sync_fetch_and_add(word, n))

/* `lost` is a struct event_count. */
static __always_inline void count_lost(void *lost) {
    __u32 only = 0;
    __u64 *count = bpf_map_lookup_elem(lost, &only);

    if (count)
        atomic_add(count, 1);
}

/* Returns the new row of a key, made from `zero`; NULL, counted in `lost`, if it cannot be made. BPF_NOEXIST because a
 * softirq or another CPU may make it first: then that row is used. */
static __always_inline void *make_new_row(void *map, const void *key, const void *zero, void *lost) {
    void *row;

    bpf_map_update_elem(map, key, zero, BPF_NOEXIST);
    row = bpf_map_lookup_elem(map, key);
    if (!row)
        count_lost(lost);
    return row;
}

/* Returns the row of a key, made if it does not exist. */
static __always_inline void *find_or_make_row(void *map, const void *key, const void *zero, void *lost) {
    void *row = bpf_map_lookup_elem(map, key);

    return row ? row : make_new_row(map, key, zero, lost);
}

/* For a map of COUNTERS or OWN_COUNTERS. */
#define find_or_make(name, key) find_or_make_row(&name, key, &zero_##name, &lost_##name)

/* Returns the state of a socket, made if it does not exist; NULL, counted as lost, if it cannot be allocated. If two
 * programs make it at the same time, one of the calls fails, and the state exists by then. */
static __always_inline struct socket_state *find_or_make_socket(struct sock *sk) {
    struct socket_state *socket = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

    if (!socket)
        socket = bpf_sk_storage_get(&sockets, sk, 0, 0);
    if (!socket)
        count_lost(&lost_sockets);
    return socket;
}

/* Tunables. track_edges: false leaves `edges` empty, for nodes with too many pairs of client and server. */
extern const volatile bool track_edges;

/* Rows of the shared maps to divide among the cgroups (shares.bpf.h); 0: first come, first served. */
extern const volatile __u32 edge_rows;
extern const volatile __u32 accept_queue_rows;
extern const volatile __u32 udp_edge_rows;
extern const volatile __u32 port_protocol_rows;

/* Minimum time between two samples of a connection's round-trip time. */
extern const volatile __u64 round_trip_interval_ns;

#endif
