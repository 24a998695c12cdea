/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_ATTRIBUTION_H
#define LORIKEET_ATTRIBUTION_H

#include <linux/types.h>

/* A socket belongs to the cgroup of the process that created it, an accepted one to that of the process that uses it
 * first (ownership.bpf.h), usually a leaf. Ids are cgroup v2 ids: the inode number of the cgroup's directory. */

enum role {
    /* Older than the programs, and its role cannot be derived: not counted. */
    ROLE_UNKNOWN = 0,
    ROLE_CLIENT = 1,
    ROLE_SERVER = 2,
};

struct service_key {
    __u64 cgroup;
    __u32 role; /* enum role */
    __u32 reserved;
};

/* From a client's cgroup to a server's address and port. */
struct edge_key {
    __u64 cgroup;
    __u8 address[16]; /* the server's, network order; IPv4 as ::ffff:a.b.c.d */
    __u16 port;       /* the server's, host order */
    __u16 protocol;   /* in `edge_protocols` only: enum protocol */
    __u16 reserved[2];
};

#define CGROUP_ANCESTORS 12

/* Parent, grandparent, ... up to the root, then 0. Deeper paths lack the ancestors nearest to the root. */
struct cgroup_info {
    __u64 ancestors[CGROUP_ANCESTORS];
};

#endif
