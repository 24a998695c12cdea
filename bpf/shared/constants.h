/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
#ifndef LORIKEET_CONSTANTS_H
#define LORIKEET_CONSTANTS_H

/* Constants of the kernel that its BTF does not have. */

/* include/net/tcp_states.h */
enum {
    TCP_ESTABLISHED = 1,
    TCP_SYN_SENT = 2,
    TCP_SYN_RECV = 3,
    TCP_FIN_WAIT1 = 4,
    TCP_FIN_WAIT2 = 5,
    TCP_CLOSE = 7,
    TCP_CLOSE_WAIT = 8,
    TCP_LAST_ACK = 9,
    TCP_LISTEN = 10,
    TCP_CLOSING = 11,
};

/* include/net/sock.h: the port was bound explicitly */
#define SOCK_BINDPORT_LOCK 8

/* include/net/sock.h; bit numbers in skc_flags. SOCK_DEAD: no process holds the socket. SOCK_DONE: FIN received */
#define SOCK_DEAD 0
#define SOCK_DONE 1
#define SHUTDOWN_MASK 3

/* include/linux/socket.h; include/uapi/linux/in.h */
#define AF_INET 2
#define AF_INET6 10
#define MSG_PEEK 0x2
#define MSG_ERRQUEUE 0x2000
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_MPTCP 262

/* include/linux/sched.h */
#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD 0x00200000

#endif
