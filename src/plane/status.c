/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that are a Status object, and how an answer is begun and ended. */
#include <stdarg.h>

#include "base/mem.h"
#include "plane/core.h"

enum { MESSAGE_MAX = 8192 };

void
reply_init(struct reply *rp)
{
    *rp = (struct reply){.status = 200, .type = "application/json"};
    buf_init(&rp->body, KUBE_BODY_MAX);
}

void
reply_release(struct reply *rp)
{
    buf_release(&rp->body);
    for (size_t i = 0; i < rp->n_warnings; i++)
        mem_free(rp->warnings[i]);
    rp->n_warnings = 0;
}

void
reply_warn(struct reply *rp, const char *text)
{
    if (rp->n_warnings < WARNINGS_MAX)
        rp->warnings[rp->n_warnings++] = mem_strdup(text);
}

void
reply_json(struct reply *rp, int status, const struct json *j)
{
    struct err e = ERR_INIT;

    rp->status = status;
    rp->type = "application/json";
    buf_reset(&rp->body);
    if (json_print(j, &rp->body, &e)) {
        rp->status = 500;
        buf_reset(&rp->body);
    }
}

struct json *
status_new(int code, const char *reason, const char *message, const struct resource_info *kind,
           const char *name, const struct json *causes)
{
    struct json *s = json_new_object(), *details;

    json_set_cstr(s, "kind", "Status");
    json_set_cstr(s, "apiVersion", "v1");
    json_set(s, "metadata", json_new_object());
    json_set_cstr(s, "status", code < 400 ? "Success" : "Failure");
    if (message != NULL)
        json_set_cstr(s, "message", message);
    if (reason != NULL)
        json_set_cstr(s, "reason", reason);
    details = json_new_object();
    if (name != NULL && name[0] != '\0')
        json_set_cstr(details, "name", name);
    if (kind != NULL) {
        if (kind->group[0] != '\0')
            json_set_cstr(details, "group", kind->group);
        json_set_cstr(details, "kind",
                      reason != NULL && strcmp(reason, "Invalid") == 0 ? kind->kind : kind->plural);
    }
    if (causes != NULL)
        json_set(details, "causes", json_clone(causes));
    if (json_size(details) > 0)
        json_set(s, "details", details);
    else
        json_free(details);
    json_set_int(s, "code", code);
    return s;
}

static bool
answer_status(struct call *c, int code, const char *reason, const char *name, const char *message,
              const struct json *causes)
{
    CLEANUP(json_free_ptr)
    struct json *s = status_new(code, reason, message, c->kind, name, causes);

    reply_json(c->rp, code, s);
    return false;
}

bool
answer_error(struct call *c, int code, const char *reason, const char *fmt, ...)
{
    char message[MESSAGE_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    return answer_status(c, code, reason, c->name, message, NULL);
}

bool
answer_not_found(struct call *c, const char *name)
{
    char message[MESSAGE_MAX];

    (void)snprintf(message, sizeof(message), "%s \"%s\" not found", resource_name(c->kind), name);
    return answer_status(c, 404, "NotFound", name, message, NULL);
}

bool
answer_exists(struct call *c, const char *name)
{
    char message[MESSAGE_MAX];

    (void)snprintf(message, sizeof(message), "%s \"%s\" already exists", resource_name(c->kind),
                   name);
    return answer_status(c, 409, "AlreadyExists", name, message, NULL);
}

bool
answer_conflict(struct call *c, const char *name)
{
    char message[MESSAGE_MAX];

    (void)snprintf(message, sizeof(message),
                   "Operation cannot be fulfilled on %s \"%s\": the object has been modified; "
                   "please apply your changes to the latest version and try again",
                   resource_name(c->kind), name);
    return answer_status(c, 409, "Conflict", name, message, NULL);
}

bool
answer_invalid(struct call *c, const char *name, const struct field_errors *why)
{
    CLEANUP(buf_release) struct buf m = BUF_INIT(1024 * 1024);
    size_t n = json_size(why->causes);

    buf_putf(&m, "%s%s%s \"%s\" is invalid: %s", c->kind->kind,
             c->kind->group[0] != '\0' ? "." : "", c->kind->group, name, n > 1 ? "[" : "");
    for (size_t i = 0; i < n; i++) {
        struct json *cause = json_elem(why->causes, i);
        buf_putf(&m, "%s%s: %s", i > 0 ? ", " : "", json_text_or(json_field(cause, "field"), ""),
                 json_text_or(json_field(cause, "message"), ""));
    }
    if (n > 1)
        buf_putf(&m, "]");
    return answer_status(c, 422, "Invalid", name, buf_c(&m), why->causes);
}

bool
answer_err(struct call *c, const struct err *e)
{
    switch (e->code) {
    case RC_INVALID:
    case RC_CORRUPT:
        return answer_error(c, 400, "BadRequest", "%s", e->msg);
    case RC_LIMIT:
        return answer_error(c, 413, "RequestEntityTooLarge", "%s", e->msg);
    case RC_CONFLICT:
        return answer_conflict(c, c->name != NULL ? c->name : "");
    case RC_CANCELLED:
    case RC_TIMEOUT:
        return answer_error(c, 503, "ServiceUnavailable", "%s", e->msg);
    default:
        return answer_error(c, 500, "InternalError", "Internal error occurred: %s", e->msg);
    }
}
