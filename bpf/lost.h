/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_LOST_H
#define LORIKEET_LOST_H

/* Map `lost`: per-CPU array of u64, events that were not counted. Slots named after maps count events for which no row
 * could be made: the map is full, or memory could not be allocated. LOST_SOCKETS counts sockets: those without a state,
 * and those older than the programs whose role is unknown. The last slots count events that cannot be attributed. */
enum lost_map {
    LOST_REQUESTS,
    LOST_EDGES,
    LOST_TCP,
    LOST_CGROUPS,
    LOST_SOCKETS,
    LOST_LISTENERS,
    LOST_SYSCALLS,
    LOST_PAGE_FAULTS,
    LOST_BLOCK_REQUESTS,
    LOST_PROCESS_EVENTS,
    LOST_BLOCK_CGROUPS,
    LOST_HTTP_RESPONSES,
    LOST_RESETS,                /* for a packet without a socket, or of a socket of unknown role */
    LOST_UNATTRIBUTED_REQUESTS, /* block requests without a cgroup: flushes, passthrough commands */
    LOST_SLOTS,
};

#endif
