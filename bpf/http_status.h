/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_HTTP_STATUS_H
#define LORIKEET_HTTP_STATUS_H

#include <linux/types.h>

#define STATUS_CLASSES 5

/* Map `http_responses`: struct service_key -> struct http_stats. */
struct http_stats {
    __u64 responses[STATUS_CLASSES]; /* 1xx to 5xx */
};

#endif
