/* SPDX-License-Identifier: Apache-2.0 */
/* output.json: what one container tells the next. Source: Stash. */
#include <unistd.h>

#include "api/duration.h"
#include "api/kinds.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "job/backup.h"
#include "job/step_internal.h"

enum { OUTPUT_MAX = 4 * 1024 * 1024 };

bool
step_is_final(void)
{
    const char *v = getenv("CSTASH_FINAL_STEP");

    return v != NULL && strcmp(v, "true") == 0;
}

struct json *
output_host(const char *hostname, const char *phase, int64_t ms, const char *error)
{
    struct json *h = json_new_object();
    char text[DURATION_TEXT];

    json_set_cstr(h, "hostname", hostname);
    json_set_cstr(h, "phase", phase);
    json_set_cstr(h, "duration", duration_format(ms, text));
    json_set_cstr(h, "error", error);
    return h;
}

enum rc
output_write(const struct step_flags *f, struct json *host, struct err *e)
{
    struct json *doc = json_new_object(), *status = json_need_object(doc, "targetStatus"),
                *ref = json_need_object(status, "ref");
    struct buf text = BUF_INIT(OUTPUT_MAX);
    char *path;
    enum rc rc;

    json_set_cstr(ref, "apiVersion", APPCATALOG_GROUP "/v1alpha1");
    json_set_cstr(ref, "kind", GVR_APP_BINDING.kind);
    json_set_cstr(ref, "name", step_text(f->appbinding, ""));
    json_set_cstr(ref, "namespace", step_text(f->appbinding_ns, step_text(f->ns, "default")));
    json_push(json_need_array(status, "stats"), host);
    if (step_text(f->output_dir, NULL) == NULL) {
        json_free(doc);
        return RC_OK;
    }
    path = mem_printf("%s/output.json", f->output_dir);
    rc = json_print_pretty(doc, &text, e);
    if (rc == RC_OK)
        rc = fs_make_dirs(f->output_dir, 0777, e);
    if (rc == RC_OK)
        rc = fs_write_file(path, buf_str(&text), 0666, e);
    json_free(doc);
    buf_release(&text);
    mem_free(path);
    return rc;
}

enum rc
output_read(const struct step_flags *f, struct json **out, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(OUTPUT_MAX);
    CLEANUP(json_free_ptr) struct json *doc = NULL;
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/output.json", step_text(f->output_dir, "."));
    if (fs_read_file(path, &text, e))
        return err_wrap(e, "the step before left no result");
    if (json_parse(buf_str(&text), &doc, e))
        return err_wrap(e, "%s", path);
    if (json_field(doc, "targetStatus") == NULL)
        return err_set(e, RC_CORRUPT, "%s holds no targetStatus", path);
    *out = json_ref(json_field(doc, "targetStatus"));
    return RC_OK;
}

bool
output_is_dry_run(const struct json *status)
{
    const struct json *stats = json_field(status, "stats");

    return json_is_true(json_field(json_elem(stats, 0), "dryRun"));
}

const char *
output_part(const struct json *status)
{
    return json_text(json_field(json_elem(json_field(status, "stats"), 0), "partial"));
}

const char *
output_error(const struct json *status)
{
    const struct json *stats = json_field(status, "stats");

    for (size_t i = 0; i < json_size(stats); i++) {
        const struct json *h = json_elem(stats, i);

        if (strcmp(json_text_or(json_field(h, "phase"), ""), "Succeeded") != 0 &&
            strcmp(json_text_or(json_field(h, "phase"), ""), PLAN_PHASE) != 0)
            return json_text_or(json_field(h, "error"), "it did not succeed");
    }
    return NULL;
}

void
output_put_way_back(struct json *host, const struct output_way_back *w)
{
    json_set_cstr(host, "safetyCopy", w->copy);
    if (w->copy != NULL)
        json_set_cstr(host, "safetyCopyRepository", w->repository);
}

struct output_way_back
output_way_back_of(const struct json *status)
{
    const struct json *host = json_elem(json_field(status, "stats"), 0);

    return (struct output_way_back){json_text(json_field(host, "safetyCopy")),
                                    json_text(json_field(host, "safetyCopyRepository"))};
}

bool
output_safety_skipped(const struct json *status)
{
    return json_is_true(json_field(json_elem(json_field(status, "stats"), 0), "safetyCopySkipped"));
}

enum rc
output_fail(const struct step_flags *f, const char *hostname, int64_t started_ms, struct err *e)
{
    static const struct output_way_back none = {.copy = NULL};

    return output_fail_with(f, hostname, started_ms, &none, e);
}

enum rc
output_fail_with(const struct step_flags *f, const char *hostname, int64_t started_ms,
                 const struct output_way_back *w, struct err *e)
{
    struct err why = ERR_INIT;
    struct json *host;
    char text[sizeof(e->msg) + sizeof(e->hint) + 8];

    (void)snprintf(text, sizeof(text), "%s%s%s%s", e->msg, e->hint[0] != '\0' ? " (" : "", e->hint,
                   e->hint[0] != '\0' ? ")" : "");
    if (step_text(f->output_dir, NULL) == NULL)
        return err_code(e);
    host = output_host(hostname, "Failed", clock_mono_ms() - started_ms, text);
    output_put_way_back(host, w);
    if (output_write(f, host, &why)) {
        log_err(&why);
        return err_code(e);
    }
    if (step_is_final() || e->code == RC_CANCELLED)
        return err_code(e);
    log_err(e); /* handed on: the steps to come tell it */
    return RC_OK;
}

enum rc
step_refused(const struct step_flags *f, struct err *e)
{
    return output_fail(f, step_text(f->hostname, step_is_backup(f) ? DUMP_HOST : ""),
                       clock_mono_ms(), e);
}
