// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "shared/maps.bpf.h"
#include "shared/types.bpf.h"

/* Status classes of plain-text HTTP/1.x, from the first bytes of a response, "HTTP/1.1 200". The hooks on send and
 * receive calls have no access to the payload; packets do. These programs see every packet of the cgroups that they are
 * attached to, between TCP and IP, and let all of them pass.
 *
 * A response can only start with the server's first bytes, or with its first bytes after bytes from the client. Only
 * those are parsed, so the middle of a body is not taken for a response, and most packets cost only the lookup of the
 * socket. Retransmitted bytes are ignored. Pipelined responses count as one, like their requests. Limitation: while a
 * client still sends its request during the response, a packet in the middle of the response is counted if it looks
 * like a status line. */

#define STATUS_CLASSES 5

struct http_stats {
    __u64 responses[STATUS_CLASSES]; /* 1xx to 5xx */
};

OWN_COUNTERS(http_responses, 4096, struct service_key, struct http_stats);

/* The verdict on every packet. */
#define PASS 1

#define IPPROTO_OFFSET 9
#define IPV6_NEXT_HEADER_OFFSET 6
#define IPV6_HEADER_BYTES 40

/* Start of a TCP header, in network order. */
struct tcp_head {
    __be16 ports[2];
    __be32 sequence;
    __be32 acknowledged;
    __u8 offset; /* of the payload, in the upper four bits, in words of four bytes */
};

/* Start of an IPv4 or IPv6 header. */
struct ip_head {
    __u8 bytes[10];
};

struct payload {
    __u32 sequence;
    __u32 start;
};

/* A response's first bytes, such as "HTTP/1.1 200". */
struct status_line {
    __be32 protocol;
    __be32 version;
    __u8 blank;
    __u8 status[3];
};

#define HTTP 0x48545450    /* "HTTP" */
#define VERSION 0x2f312e00 /* "/1." and any minor version */
#define VERSION_MASK 0xffffff00

/* Offset of the TCP header, or 0 if TCP does not follow IP directly, as in IPv6 packets with extension headers. */
static __always_inline __u32 tcp_start(const struct ip_head *ip) {
    __u8 version = ip->bytes[0] >> 4;

    if (version == 4 && ip->bytes[IPPROTO_OFFSET] == IPPROTO_TCP)
        return (ip->bytes[0] & 15) * 4;
    return version == 6 && ip->bytes[IPV6_NEXT_HEADER_OFFSET] == IPPROTO_TCP ? IPV6_HEADER_BYTES : 0;
}

/* Returns true if the packet has a payload. A packet is up to 64 KB, before segmentation or after reassembly. */
static __always_inline bool find_payload(const struct __sk_buff *packet, struct payload *payload) {
    struct ip_head ip;
    struct tcp_head tcp;
    __u32 start;

    if (bpf_skb_load_bytes(packet, 0, &ip, sizeof(ip)))
        return false;
    start = tcp_start(&ip);
    if (!start || bpf_skb_load_bytes(packet, start, &tcp, sizeof(tcp)))
        return false;
    payload->sequence = bpf_ntohl(tcp.sequence);
    payload->start = start + (tcp.offset >> 4) * 4;
    return packet->len > payload->start;
}

static __always_inline bool is_digit(__u8 byte) {
    return byte >= '0' && byte <= '9';
}

/* Returns 1 to 5, or 0 without a status line. A status line split over several packets is not recognised. */
static __always_inline __u32 status_class(const struct __sk_buff *packet, __u32 start) {
    struct status_line line;

    if (bpf_skb_load_bytes(packet, start, &line, sizeof(line)))
        return 0;
    if (line.protocol != bpf_htonl(HTTP) || (line.version & bpf_htonl(VERSION_MASK)) != bpf_htonl(VERSION))
        return 0;
    if (line.blank != ' ' || !is_digit(line.status[1]) || !is_digit(line.status[2]))
        return 0;
    return line.status[0] >= '1' && line.status[0] <= '0' + STATUS_CLASSES ? line.status[0] - '0' : 0;
}

static __always_inline void count_response(struct socket_state *socket, __u32 class) {
    struct http_stats *stats;
    __u32 index = class - 1;

    if (index >= STATUS_CLASSES)
        return;
    stats = find_or_make(http_responses, &socket->service);
    if (stats)
        atomic_add(&stats->responses[index], 1);
}

/* Handles the possible start of a response. An informational response (1xx) is followed by the final one. */
static __always_inline void answer(const struct __sk_buff *packet, struct socket_state *socket, __u32 start) {
    __u32 class = status_class(packet, start);

    if (__sync_lock_test_and_set(&socket->answered, 1) || !class)
        return;
    count_response(socket, class);
    if (class == 1)
        socket->answered = 0;
}

/* `requester` is the role that sends requests in this direction. */
static __always_inline int inspect(struct __sk_buff *packet, enum role requester, bool sent) {
    struct bpf_sock *sk = packet->sk;
    struct socket_state *socket;
    struct bpf_tcp_sock *tp;
    struct payload payload;
    bool is_request;

    sk = sk ? bpf_sk_fullsock(sk) : NULL;
    socket = sk ? bpf_sk_storage_get(&sockets, sk, 0, 0) : NULL;
    if (!socket || socket->service.role == ROLE_UNKNOWN)
        return PASS;
    is_request = socket->service.role == requester;
    if (is_request == !socket->answered)
        return PASS;
    tp = bpf_tcp_sock(sk);
    if (!tp || !find_payload(packet, &payload) || payload.sequence != (sent ? tp->snd_nxt : tp->rcv_nxt))
        return PASS;
    if (is_request)
        socket->answered = 0;
    else
        answer(packet, socket, payload.start);
    return PASS;
}

/* The question mark: not loaded unless enabled. */
SEC("?cgroup_skb/egress")
int http_egress(struct __sk_buff *packet) {
    return inspect(packet, ROLE_CLIENT, true);
}

SEC("?cgroup_skb/ingress")
int http_ingress(struct __sk_buff *packet) {
    return inspect(packet, ROLE_SERVER, false);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
