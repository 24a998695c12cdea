/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_SERVICES_H
#define LORIKEET_SERVICES_H

#include "requests.h"
#include "tcp.h"

/* Map `services`: struct service_key -> struct service_stats. One row for requests and connections, because looking it
 * up is a large part of what a call costs. */
struct service_stats {
    struct request_stats requests;
    struct tcp_stats tcp;
};

#endif
