/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_ATTRIBUTION_H
#define LORIKEET_ATTRIBUTION_H

#include <linux/types.h>

/* A socket's cgroup is the one its creator lived in (an accepted socket inherits the listener's), a leaf as a rule.
 * Ids are cgroup v2 ids: the inode number of the cgroup's folder. */

enum role {
    /* Born before the programs were attached, and nothing tells which end it is: it is counted nowhere. */
    ROLE_UNKNOWN = 0,
    ROLE_CLIENT = 1,
    ROLE_SERVER = 2,
};

struct service_key {
    __u64 cgroup;
    __u32 role; /* enum role */
    __u32 reserved;
};

/* Seen from the client: who asks whom. */
struct edge_key {
    __u64 cgroup;
    __u8 address[16]; /* the server's, network order; IPv4 as ::ffff:a.b.c.d */
    __u16 port;       /* the server's, host order */
    __u16 reserved[3];
};

#define CGROUP_ANCESTORS 12

/* Parent, grandparent, ... up to the root; 0 after it. A path deeper than this is cut at its root's end. */
struct cgroup_info {
    __u64 ancestors[CGROUP_ANCESTORS];
};

#endif
