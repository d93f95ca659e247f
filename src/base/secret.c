/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/secret.h"

void
secret_set(struct secret *s, struct str from)
{
    uint8_t *copy = mem_alloc(from.n + 1);

    if (from.n != 0)
        memcpy(copy, from.p, from.n);
    copy[from.n] = '\0';
    secret_release(s);
    s->p = copy;
    s->n = from.n;
}

void
secret_free_text(char *s)
{
    if (s != NULL)
        mem_wipe(s, strlen(s));
    mem_free(s);
}

void
secret_release(struct secret *s)
{
    if (s->p != NULL)
        mem_wipe(s->p, s->n);
    mem_free(s->p);
    s->p = NULL;
    s->n = 0;
}

enum rc
secret_from_file(const char *path, struct secret *out, struct err *e)
{
    struct buf raw = BUF_INIT(SECRET_MAX);
    struct str s;

    if (fs_read_file(path, &raw, e)) {
        buf_release(&raw);
        return err_code(e);
    }
    s = buf_str(&raw);
    if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
        s = str_of(s.p + 3, s.n - 3);
    while (s.n > 0 && isspace(s.p[0]))
        s = str_of(s.p + 1, s.n - 1);
    while (s.n > 0 && isspace(s.p[s.n - 1]))
        s.n--;
    secret_set(out, s);
    mem_wipe(raw.p, raw.n);
    buf_release(&raw);
    return RC_OK;
}
