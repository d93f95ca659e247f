/* SPDX-License-Identifier: Apache-2.0 */
/* cstash up: the whole control plane on one machine. */
#include "base/mem.h"
#include "cli/app.h"
#include "cli/up.h"

static const struct opt opts_up[] = {
    {"dir", 0, OPT_TEXT, OPT_AT(dir), "STATE",
     "state folder [$XDG_STATE_HOME/cstash, ~/.local/state/cstash]"},
    {"listen", 0, OPT_TEXT, OPT_AT(listen), "HOST:PORT",
     "loopback address of the API server [127.0.0.1:6443]"},
    {"metrics-listen", 0, OPT_TEXT_OR_NONE, OPT_AT(metrics_listen), "HOST:PORT",
     "health and metrics of the operator [127.0.0.1:8080]; \"\" for none"},
    {"pushgateway-listen", 0, OPT_TEXT_OR_NONE, OPT_AT(pushgateway_listen), "HOST:PORT",
     "address to start the Pushgateway on [127.0.0.1:56789]; \"\" for none"},
    {"pushgateway-url", 0, OPT_TEXT_OR_NONE, OPT_AT(step.metrics_url), "URL",
     "use a running Pushgateway"},
    {.name = NULL},
};
static const struct opt *const tables[] = {opts_up, opts_global, NULL};

static const char *
or_default(const char *given, const char *otherwise)
{
    return given != NULL ? given : otherwise;
}

/* NULL: nobody says where. */
static char *
default_dir(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

    if (state != NULL && state[0] == '/')
        return mem_printf("%s/cstash", state);
    return home != NULL && home[0] == '/' ? mem_printf("%s/.local/state/cstash", home) : NULL;
}

static enum rc
up_main(struct ctx *cx, const struct args *a, struct err *e)
{
    char *dir = a->dir != NULL ? mem_strdup(a->dir) : default_dir();
    struct up_opts o = {
        .dir = dir,
        .listen = or_default(a->listen, "127.0.0.1:6443"),
        .metrics_listen = or_default(a->metrics_listen, "127.0.0.1:8080"),
        .pushgateway_listen = or_default(a->pushgateway_listen, "127.0.0.1:56789"),
        .pushgateway_url = a->step.metrics_url,
    };
    enum rc rc;

    if (dir == NULL) {
        (void)err_set(e, RC_USAGE, "there is no folder for the state: HOME is not set");
        return err_hint(e, "name one with --dir");
    }
    if (o.metrics_listen[0] == '\0')
        o.metrics_listen = NULL;
    mem_share_heaps();
    rc = up_run(cx, &o, e);
    mem_free(dir);
    return rc;
}

const struct command cmd_up = {
    "up", "", "run the control plane on this machine until interrupted", tables, 0, 0, up_main};
