/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_THROWAWAY_H
#define JOB_THROWAWAY_H

/*
 * job/throwaway -- a Redis for one verification, which nobody else can reach and of which nothing stays.
 *
 * Shape    a child process, on a Unix socket in a folder of its own (0700), without a TCP port, without persistence. When it is
 *          connected the folder is removed, by a process that does so too if this one is killed before. It ends with throwaway_close,
 *          or with this process, however that ends. Or a server that somebody else runs for this purpose, at a socket.
 * Memory   it refuses to hold more than is free here (MemAvailable, and what the cgroup leaves), or than was allowed.
 * Errors   RC_UNVERIFIED: there is no such server to be had, and why; RC_CANCELLED.
 * Threads  the thread that opened it must live as long as it does (PR_SET_PDEATHSIG).
 */
#include "redis/conn.h"

struct throwaway_opts {
    const char *program; /* NULL: redis-server or valkey-server, found in PATH */
    const char *
        socket; /* not a child: the server that listens there; program and max_memory play no part */
    uint64_t max_memory; /* bytes; 0: what is free here */
    uint64_t longest;    /* bytes of the longest argument; 0: not known */
    uint64_t databases;  /* so many at least */
};

enum { THROWAWAY_WHY = 300 };

struct throwaway {
    int pid;                /* 0: not a child, or it has ended */
    int keeper, keeper_end; /* a process that removes the folder when this end is closed; 0: none */
    int log;                /* what it says; -1: none */
    char *folder, *socket;
    struct conn *conn;
    uint64_t max_memory; /* 0: not known */
    char name[64];       /* "Redis 7.0.15" */
    struct conn_info info;
};

/* Zero it first; throwaway_close in any case. */
NODISCARD enum rc throwaway_open(struct ctx *cx, const struct throwaway_opts *o,
                                 struct throwaway *out, struct err *e);
/* Has it ended by itself? `why` says how. */
bool throwaway_ended(struct throwaway *t, char why[static THROWAWAY_WHY]);
/* All but t->conn, if that was taken away (NULL). */
void throwaway_close(struct throwaway *t);

/* Until one answers at the socket of another container; RC_UNVERIFIED: none did for THROWAWAY_AWAIT_MS. */
enum { THROWAWAY_AWAIT_MS = 10 * 60 * 1000 };
NODISCARD enum rc throwaway_await(struct ctx *cx, const char *socket, struct err *e);
/* Tell that one to end, whatever became of it. */
void throwaway_shut_down(const char *socket);

/* Bytes of memory that are free for use here; UINT64_MAX: nobody says. */
uint64_t throwaway_free_memory(void);

#endif
