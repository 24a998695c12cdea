/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_HPACK_BPF_H
#define LORIKEET_HPACK_BPF_H

#include "../protocols/recognise.bpf.h"
#include "../shared/types.bpf.h"

/* Finds ":status" and "grpc-status" in the header blocks of a connection's responses (HPACK, RFC 7541).
 *
 * A block refers to earlier fields by their distance from the end of a table. So every field of every block is walked,
 * to count the insertions, and the few fields of interest are remembered by the number of their insertion. Evictions
 * need no bookkeeping: an encoder only refers to entries that still exist. After a block that could not be read, and on
 * connections older than the programs, entries inserted until then are unknown, and all later ones are known again. */

#define HEADER_BLOCK 2048
#define BLOCK_MASK (HEADER_BLOCK - 1)
/* Bytes copied at a time. */
#define HEADER_CHUNK 256
#define KNOWN_HEADERS 8

/* Indexes of the static table. */
#define INDEX_STATUS_FIRST 8
#define INDEX_STATUS_LAST 14
#define INDEX_DYNAMIC 62

#define NO_CODE 0xff

enum header_name {
    HEADER_OTHER,
    HEADER_UNKNOWN,
    HEADER_STATUS,
    HEADER_GRPC_STATUS,
};

struct header {
    __s32 number; /* of its insertion */
    __u8 name;    /* enum header_name */
    __u8 value;   /* HEADER_STATUS: the class, 0: unknown; HEADER_GRPC_STATUS: the code, NO_CODE: unknown */
};

/* The responses of a connection, freed by the kernel with its socket. */
struct header_table {
    struct header known[KNOWN_HEADERS]; /* the latest ones, in a ring */
    __u32 next;                         /* slot */
    __s32 insertions;
    __s32 unknown_to; /* the last insertion that may have been one of interest and is not in `known` */
    __u32 have;       /* bytes of the block; more than HEADER_BLOCK: the rest was not copied */
    __u32 at;         /* the next field */
    __u32 end;
    __u8 copying;    /* the current frame is part of a block */
    __u8 parsing;    /* the block is complete and has fields left */
    __u8 flags;      /* of its first frame */
    __u8 counted;    /* it belongs to a stream whose responses are counted */
    __u8 trailers;   /* the response has started in an earlier block */
    __u8 unreadable; /* part of it could not be copied */
    /* Found in the block: */
    __u8 class;   /* 0: none */
    __u8 code;    /* NO_CODE: none */
    __u8 unknown; /* a field that is not known */
    __u8 grpc;    /* the connection has had a status of gRPC */
    __u8 block[HEADER_BLOCK + HEADER_CHUNK];
};

/* Reads an integer whose first byte has the bits of `mask` (5.1). A wrong length is noticed at the end of the field. */
static __always_inline __u32 read_integer(const struct header_table *table, __u32 *at, __u32 mask) {
    __u32 value = table->block[*at & BLOCK_MASK] & mask;

    (*at)++;
    if (value < mask)
        return value;
    for (int shift = 0; shift <= 14; shift += 7) {
        __u8 byte = table->block[*at & BLOCK_MASK];

        (*at)++;
        value += (__u32)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

/* A string of the block. The bytes beyond it may be read as well. */
struct text {
    const __u8 *bytes;
    __u32 length;
    bool huffman;
};

static __always_inline void read_text(const struct header_table *table, __u32 *at, struct text *text) {
    text->huffman = table->block[*at & BLOCK_MASK] & 0x80;
    text->length = read_integer(table, at, 0x7f);
    text->bytes = &table->block[*at & BLOCK_MASK];
    *at += text->length;
}

static __always_inline bool is_grpc_status(const struct text *name) {
    const __u8 *bytes = name->bytes;

    if (name->huffman)
        return name->length == 8 && big_endian(bytes) == 0x9acac8b2 && big_endian(bytes + 4) == 0x1234da8f;
    return name->length == 11 && big_endian(bytes) == TEXT('g', 'r', 'p', 'c') &&
           big_endian(bytes + 4) == TEXT('-', 's', 't', 'a') && big_endian(bytes + 7) == TEXT('a', 't', 'u', 's');
}

/* The digit whose Huffman code is at the top of `bits`, a word of 16 bits: 5 bits for 0 to 2, 6 bits for 3 to 9. */
static __always_inline __u32 huffman_digit(__u32 bits) {
    __u32 five = bits >> 11 & 0x1f, six = bits >> 10 & 0x3f;

    if (five <= 2)
        return five;
    return six >= 0x19 && six <= 0x1f ? six - 0x19 + 3 : NO_CODE;
}

static __always_inline __u32 status_of(const struct text *value) {
    __u32 digit = value->bytes[0] - '0';

    if (value->huffman)
        digit = huffman_digit((__u32)value->bytes[0] << 8);
    else if (value->length != 3)
        return 0;
    return digit >= 1 && digit <= 5 ? digit : 0;
}

/* One or two digits, each one byte: in Huffman code, the first of two is a 1 and has 5 bits. */
static __always_inline __u32 grpc_code_of(const struct text *value) {
    __u32 bits = (__u32)value->bytes[0] << 8 | value->bytes[1];
    __u32 first = value->huffman ? huffman_digit(bits) : (bits >> 8) - '0';
    __u32 second = value->huffman ? huffman_digit(bits << 5) : (bits & 0xff) - '0';

    if (value->length == 1)
        return first <= 9 ? first : NO_CODE;
    return value->length == 2 && first == 1 && second <= 6 ? 10 + second : NO_CODE;
}

static __always_inline void find_header(const struct header_table *table, __u32 index, struct header *found) {
    /* 200, 204, 206, 304, 400, 404, 500 */
    const __u32 classes = 0x5443222;

    found->name = HEADER_OTHER;
    found->value = NO_CODE;
    if (index >= INDEX_STATUS_FIRST && index <= INDEX_STATUS_LAST) {
        found->name = HEADER_STATUS;
        found->value = classes >> (index - INDEX_STATUS_FIRST) * 4 & 0xf;
    }
    if (index < INDEX_DYNAMIC)
        return;
    found->number = table->insertions - (__s32)(index - INDEX_DYNAMIC);
    if (found->number <= table->unknown_to)
        found->name = HEADER_UNKNOWN;
    for (int i = 0; i < KNOWN_HEADERS; i++) {
        if (table->known[i].number != found->number || found->number <= 0)
            continue;
        found->name = table->known[i].name;
        found->value = table->known[i].value;
        return;
    }
}

static __always_inline void insert_header(struct header_table *table, const struct header *header) {
    struct header *slot = &table->known[table->next & (KNOWN_HEADERS - 1)];

    table->insertions++;
    if (header->name == HEADER_OTHER)
        return;
    if (slot->number > table->unknown_to)
        table->unknown_to = slot->number;
    slot->number = table->insertions;
    slot->name = header->name;
    slot->value = header->value;
    table->next++;
}

/* The entries so far are not known any more. */
static __always_inline void forget_headers(struct header_table *table) {
    table->unknown_to = table->insertions;
    __builtin_memset(table->known, 0, sizeof(table->known));
}

/* A name and a value, of which the name may be an index. */
static __always_inline void read_literal(struct header_table *table, __u32 *at, bool inserted, struct header *header) {
    __u32 index = read_integer(table, at, inserted ? 0x3f : 0x0f);
    struct text text;

    find_header(table, index, header);
    if (!index) {
        read_text(table, at, &text);
        header->name = is_grpc_status(&text) ? HEADER_GRPC_STATUS : HEADER_OTHER;
    }
    read_text(table, at, &text);
    if (header->name == HEADER_STATUS)
        header->value = status_of(&text);
    else if (header->name == HEADER_GRPC_STATUS)
        header->value = grpc_code_of(&text);
    if (inserted)
        insert_header(table, header);
}

/* Reads the next field of the block. Returns false at its end. A function of its own, so that the verifier checks it
 * once. */
__noinline __u32 next_field(struct header_table *table) {
    struct header header = {.name = HEADER_OTHER};
    __u32 at;
    __u8 first;

    if (!table || table->at >= table->end)
        return false;
    at = table->at;
    first = table->block[at & BLOCK_MASK];
    if (first & 0x80)
        find_header(table, read_integer(table, &at, 0x7f), &header);
    else if ((first & 0xe0) == 0x20)
        /* The size of the table. */
        read_integer(table, &at, 0x1f);
    else
        read_literal(table, &at, first & 0x40, &header);
    table->at = at;
    if (at > table->end) {
        table->unreadable = true;
        return false;
    }
    if (header.name == HEADER_STATUS)
        table->class = header.value;
    else if (header.name == HEADER_GRPC_STATUS)
        table->code = header.value;
    else if (header.name == HEADER_UNKNOWN)
        table->unknown = true;
    return true;
}

#endif
