// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
#include "../../../bpf/http/hpack.bpf.h"

#define FIELDS 200

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct header_table);
} table SEC(".maps");

struct block {
    __u32 length;
    __u8 class;
    __u8 code;
    __u8 unknown;
    __u8 unreadable;
    __u8 bytes[HEADER_BLOCK];
};

/* One block, and what was found in it. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct block);
} block SEC(".maps");

SEC("raw_tp")
int read_block(void *ctx) {
    __u32 key = 0;
    struct header_table *headers = bpf_map_lookup_elem(&table, &key);
    struct block *next = bpf_map_lookup_elem(&block, &key);

    if (!headers || !next)
        return 1;
    for (int i = 0; i < HEADER_BLOCK; i++)
        headers->block[i] = next->bytes[i];
    headers->at = 0;
    headers->end = next->length;
    headers->class = 0;
    headers->code = NO_CODE;
    headers->unknown = false;
    headers->unreadable = false;
    for (int i = 0; i < FIELDS; i++)
        if (!next_field(headers))
            break;
    if (headers->unreadable)
        forget_headers(headers);
    next->class = headers->class;
    next->code = headers->code;
    next->unknown = headers->unknown;
    next->unreadable = headers->unreadable;
    return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
