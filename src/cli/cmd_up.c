/* SPDX-License-Identifier: Apache-2.0 */
/* cstash up: the whole control plane on one machine. */
#include "base/mem.h"
#include "cli/app.h"
#include "cli/up.h"
#include "plane/plane.h"

struct up_args {
    struct app_opts app;
    const char *dir, *listen, *metrics_listen, *pushgateway_listen, *pushgateway_url;
};
static enum rc
up_listen(const struct opt *o, const char *text, void *to, struct err *e)
{
    if (opt_listen.parse(o, text, to, e))
        return err_code(e);
    if (text != NULL && !plane_on_loopback(text))
        return err_set(e, RC_USAGE, "%s is not on the loopback interface, as 127.0.0.1:6443 is",
                       text);
    return RC_OK;
}
static const struct opt_type listen_type = {.value = "HOST:PORT", .parse = up_listen};

static const struct opt opts_up[] = {
    {"dir", 0, OPT_FOLDER(struct up_args, dir), "STATE",
     "state folder [$XDG_STATE_HOME/cstash, ~/.local/state/cstash]"},
    {"listen", 0, OPT_OWN(listen_type, struct up_args, listen, const char *, "127.0.0.1:6443"),
     NULL, "loopback address of the API server"},
    {"metrics-listen", 0, OPT_LISTEN(struct up_args, metrics_listen, "127.0.0.1:8080"), NULL,
     "health and metrics of the operator; \"\" for none"},
    {"pushgateway-listen", 0, OPT_LISTEN(struct up_args, pushgateway_listen, "127.0.0.1:56789"),
     NULL, "address to start the Pushgateway on; \"\" for none"},
    {"pushgateway-url", 0, OPT_TEXT_OR_NONE(struct up_args, pushgateway_url), "URL",
     "use a running Pushgateway"},
    {.name = NULL},
};
static const struct opt_group groups[] = {{opts_up, 0}, {opts_app, 0}, {.table = NULL}};

static enum rc
up_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct up_args *a = args;
    char *dir = a->dir != NULL ? mem_strdup(a->dir) : app_state_dir();
    struct up_opts o = {
        .dir = dir,
        .listen = a->listen,
        .metrics_listen = a->metrics_listen[0] != '\0' ? a->metrics_listen : NULL,
        .pushgateway_listen = a->pushgateway_listen,
        .pushgateway_url = a->pushgateway_url,
    };
    enum rc rc;

    if (dir == NULL) {
        (void)err_set(e, RC_USAGE, "there is no folder for the state: HOME is not set");
        return err_hint(e, "name one with --dir");
    }
    mem_share_heaps();
    rc = up_run(cx, &o, e);
    mem_free(dir);
    return rc;
}

const struct command cmd_up = {.name = "up",
                               .summary = "run the control plane on this machine until interrupted",
                               .groups = groups,
                               .size = sizeof(struct up_args),
                               .run = up_main};
