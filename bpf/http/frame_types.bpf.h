/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_FRAME_TYPES_BPF_H
#define LORIKEET_FRAME_TYPES_BPF_H

/* The frames of HTTP/2 that are read here, and their flags (RFC 9113, 6). */

#define FRAME_HEADERS 1
#define FRAME_RST_STREAM 3
#define FRAME_PUSH_PROMISE 5
#define FRAME_PING 6
#define FRAME_WINDOW_UPDATE 8
#define FRAME_CONTINUATION 9

#define FLAG_ACK 1
#define FLAG_END_STREAM 1
#define FLAG_END_HEADERS 4
#define FLAG_PADDED 8
#define FLAG_PRIORITY 32

#endif
