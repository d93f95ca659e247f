/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/kube.h"

bool
kube_knows_no_roles(int http, const char *text)
{
    const char *rbac = http == 403 && text != NULL ? strstr(text, "RBAC: ") : NULL;

    return rbac != NULL && strstr(rbac, "not found") != NULL;
}

static enum rc
code_of(int http, const char *reason)
{
    switch (http) {
    case 404:
        return RC_NOT_FOUND;
    case 409:
        return strcmp(reason, "AlreadyExists") == 0 ? RC_EXISTS : RC_CONFLICT;
    case 410:
        return RC_CONFLICT;
    case 401:
    case 403:
        return RC_DENIED;
    case 413:
        return RC_LIMIT;
    case 408:
    case 429:
        return RC_UNAVAILABLE;
    default:
        return http >= 500 ? RC_UNAVAILABLE : RC_INVALID;
    }
}

enum rc
kube_status_error(struct err *e, int http, unsigned after_ms, const struct json *status)
{
    const char *message = json_text(json_field(status, "message"));
    const char *reason = json_text_or(json_field(status, "reason"), "");
    int64_t after_s = json_int_or(json_dig(status, "details", "retryAfterSeconds"), 0);

    if (message != NULL && message[0] != '\0')
        (void)err_set(e, code_of(http, reason), "%s", message);
    else
        (void)err_set(e, code_of(http, reason), "the API server answered HTTP %d", http);
    if (kube_knows_no_roles(http, message))
        e->code = RC_UNAVAILABLE;
    e->sys = http;
    e->retry = e->code == RC_UNAVAILABLE;
    e->after_ms = after_ms != 0 ? after_ms : (unsigned)MIN(MAX(after_s, 0), 3600) * 1000;
    if (http == 401)
        return err_hint(e, "the credentials are missing, wrong or have expired");
    return err_code(e);
}
