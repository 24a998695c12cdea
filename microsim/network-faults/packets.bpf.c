// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Faults of packets that leave a service, attached to egress of its eth0 by tc (clsact). */

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The only constant, at the start of .rodata: packet-program.ts writes it into the object before it is loaded. */
struct packet_fault {
    __u64 limit; /* share of the packets * 2^32 */
    __u32 seed;
    __u32 destination; /* IPv4 in network order; 0: any */
};
const volatile struct packet_fault fault = {};

__u32 packets = 0;

/* The finaliser of MurmurHash3 (Austin Appleby, public domain). */
static __u32 mix(__u32 value) {
    value ^= value >> 16;
    value *= 0x85ebca6b;
    value ^= value >> 13;
    value *= 0xc2b2ae35;
    return value ^ value >> 16;
}

/* Reads the IPv4 header of a packet to the destination; anything else, such as ARP, is left alone. */
static bool is_affected(struct __sk_buff *skb, struct iphdr *ip) {
    if (skb->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(skb, ETH_HLEN, ip, sizeof(*ip)))
        return false;
    return !fault.destination || ip->daddr == fault.destination;
}

/* Draws by the number of the packet, so that a seed always affects the same ones. */
static bool draw(__u32 *random) {
    *random = mix(mix(__sync_fetch_and_add(&packets, 1) + 1) + fault.seed);
    return *random < fault.limit;
}

/* Stolen, not shot: the sender must not learn of it, as of a packet that is lost on the way. */
SEC("tc/loss")
int lose(struct __sk_buff *skb) {
    struct iphdr ip;
    __u32 random;

    return is_affected(skb, &ip) && draw(&random) ? TC_ACT_STOLEN : TC_ACT_OK;
}

/* Flips a bit of TCP's data. The checksum is not computed between the ends of a veth pair, so the byte arrives. */
SEC("tc/corruption")
int corrupt(struct __sk_buff *skb) {
    struct iphdr ip;
    struct tcphdr tcp;
    __u32 begin, random;
    __u8 byte;

    if (!is_affected(skb, &ip) || ip.protocol != IPPROTO_TCP)
        return TC_ACT_OK;
    begin = ETH_HLEN + ip.ihl * 4;
    if (bpf_skb_load_bytes(skb, begin, &tcp, sizeof(tcp)))
        return TC_ACT_OK;
    begin += tcp.doff * 4;
    if (skb->len <= begin || !draw(&random))
        return TC_ACT_OK;
    random = mix(random + 1);
    begin += (random >> 3) % (skb->len - begin);
    if (!bpf_skb_load_bytes(skb, begin, &byte, 1)) {
        byte ^= 1 << (random & 7);
        bpf_skb_store_bytes(skb, begin, &byte, 1, 0);
    }
    return TC_ACT_OK;
}
