/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_LOST_H
#define LORIKEET_LOST_H

/* Map `lost`: per-CPU array of u64, what couldn't be counted. The slots named after maps count events for which no row
 * could be made (the map is full, or there was no memory), but LOST_SOCKETS counts sockets: those that have no state,
 * and those that are older than the programs and of a role that nothing tells. The last slots count events that are
 * nobody's. */
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
    LOST_RESETS, /* sent for a packet that belongs to no socket, or by or to a socket whose role is not known */
    LOST_OWNERLESS_REQUESTS, /* to block devices, by no cgroup: flushes, commands that bypass the file systems */
    LOST_SLOTS,
};

#endif
