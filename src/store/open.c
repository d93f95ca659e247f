/* SPDX-License-Identifier: Apache-2.0 */
/* Stores by address: the only file here that knows them all. */
#include "base/mem.h"
#include "store/azure.h"
#include "store/b2.h"
#include "store/gcs.h"
#include "store/local.h"
#include "store/rest.h"
#include "store/s3.h"
#include "store/swift.h"

typedef enum rc open_fn(const char *address, const struct store_opts *o, struct store **out,
                        struct err *e);

static enum rc
open_local(const char *address, const struct store_opts *o, struct store **out, struct err *e)
{
    (void)o;
    if (address[0] == '\0')
        return err_set(e, RC_INVALID, "the address of the repository is empty");
    *out = store_local_new(address);
    return RC_OK;
}

/* A scheme without a function is restic's, but not known here. */
static const struct scheme {
    const char *name;
    open_fn *open;
} schemes[] = {{"local:", open_local},
               {"s3:", store_s3_open},
               {"rest:", store_rest_open},
               {"sftp:", NULL},
               {"gs:", store_gcs_open},
               {"azure:", store_azure_open},
               {"b2:", store_b2_open},
               {"swift:", store_swift_open},
               {"rclone:", NULL},
               {"http:", NULL},
               {"https:", NULL}};

static enum rc
refuse_scheme(const char *url, struct err *e)
{
    (void)err_set(e, RC_UNSUPPORTED, "repositories at \"%.*s:...\" are not known here",
                  (int)strcspn(url, ":"), url);
    return err_hint(
        e, "use a path, local:PATH, s3:HOST/BUCKET/PREFIX, gs:BUCKET:/PREFIX, "
           "azure:CONTAINER:/PREFIX, swift:CONTAINER:/PREFIX, b2:BUCKET:/PREFIX or rest:URL");
}

/* "NAME.connections" of the options, where the caller gives no number. */
static enum rc
set_connections(const char *scheme, struct store_opts *o, struct err *e)
{
    CLEANUP(mem_free_ptr)
    char *name = mem_printf("%.*s.connections", (int)strcspn(scheme, ":"), scheme);
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
        const struct scheme *s = &schemes[i];
        if (strncmp(url, s->name, strlen(s->name)) != 0)
            continue;
        if (s->open == NULL)
            return refuse_scheme(url, e);
        if (set_connections(s->name, &o, e))
            return err_code(e);
        return s->open(url + strlen(s->name), &o, out, e);
    }
    if (url[strcspn(url, ":/")] ==
        ':') /* a scheme that is misspelt is not a folder; local:a:b is */
        return refuse_scheme(url, e);
    return open_local(url, &o, out, e);
}
