/* SPDX-License-Identifier: Apache-2.0 */
/* Stores by address. */
#include "base/mem.h"
#include "store/scheme.h"

#define SCHEME_ADDRESS(name) &scheme_##name,
static const struct store_scheme *const schemes[] = {STORE_SCHEMES(SCHEME_ADDRESS)};
#undef SCHEME_ADDRESS

static enum rc
refuse_scheme(const char *url, struct err *e)
{
    CLEANUP(buf_release) struct buf forms = BUF_INIT(1024);

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        buf_must_printf(&forms, "%s%s", i + 1 < ARRAY_LEN(schemes) ? ", " : " or ",
                        schemes[i]->form);
    (void)err_set(e, RC_UNSUPPORTED, "repositories at \"%.*s:...\" are not known here",
                  (int)strcspn(url, ":"), url);
    return err_hint(e, "use a path%s", buf_c(&forms));
}

/* "NAME.connections" of the options, where the caller gives no number. */
static enum rc
set_connections(const char *scheme, struct store_opts *o, struct err *e)
{
    CLEANUP(mem_free_ptr)
    char *name = mem_printf("%s.connections", scheme);
    const char *text = store_option(o, name);
    uint64_t n;

    if (text == NULL)
        return RC_OK;
    if (!str_to_u64(str_c(text), &n) || n < 1 || n > STORE_CONNECTIONS_MAX)
        return err_set(e, RC_INVALID, "the option %s=%.40s is not a number from 1 to %d", name,
                       text, STORE_CONNECTIONS_MAX);
    o->connections = (unsigned)n;
    return RC_OK;
}

enum rc
store_open(const char *url, const struct store_opts *opts, struct store **out, struct err *e)
{
    struct store_opts o = opts != NULL ? *opts : (struct store_opts){.connections = 0};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t n = strlen(schemes[i]->name);

        if (strncmp(url, schemes[i]->name, n) != 0 || url[n] != ':')
            continue;
        if (set_connections(schemes[i]->name, &o, e))
            return err_code(e);
        return schemes[i]->open(url + n + 1, &o, out, e);
    }
    if (url[strcspn(url, ":/")] == ':') /* another's, or misspelt, is not a folder; local:a:b is */
        return refuse_scheme(url, e);
    return scheme_local.open(url, &o, out, e);
}
