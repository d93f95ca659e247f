/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>

#include "net/sock.h"

enum rc
sock_wait(struct ctx *cx, struct sock *s, unsigned want, int timeout_ms, unsigned *ready,
          struct err *e)
{
    short events = 0, got;

    if ((want & SOCK_READ) != 0 && s->ssl != NULL && !s->dry) {
        *ready = SOCK_READ; /* OpenSSL may hold bytes that poll does not see */
        return ctx_check(cx, e);
    }
    if ((want & SOCK_READ) != 0)
        events = (short)(events | (s->read_wants_write ? POLLOUT : POLLIN));
    if ((want & SOCK_WRITE) != 0)
        events = (short)(events | (s->write_wants_read ? POLLIN : POLLOUT));
    if (ctx_wait(cx, s->fd, events, timeout_ms, &got, e))
        return err_code(e);
    *ready = 0;
    if ((got & (POLLERR | POLLHUP | POLLNVAL)) != 0)
        got = (short)(got | events); /* let the call that follows meet the error */
    if ((want & SOCK_READ) != 0 && (got & (s->read_wants_write ? POLLOUT : POLLIN)) != 0)
        *ready |= SOCK_READ;
    if ((want & SOCK_WRITE) != 0 && (got & (s->write_wants_read ? POLLIN : POLLOUT)) != 0)
        *ready |= SOCK_WRITE;
    return RC_OK;
}
