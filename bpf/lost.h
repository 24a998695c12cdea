/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_LOST_H
#define LORIKEET_LOST_H

/* Map `lost`: per-CPU array of u64, what couldn't be counted because a row couldn't be made (the map is full, or there
 * was no memory). LOST_SOCKETS counts sockets, the others events: LOST_SOCKETS are those that are followed by nothing,
 * most of them because they are older than the programs. */
enum lost_map {
    LOST_REQUESTS,
    LOST_EDGES,
    LOST_TCP,
    LOST_CGROUPS,
    LOST_SOCKETS,
    LOST_MAPS,
};

#endif
