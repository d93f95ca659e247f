/* SPDX-License-Identifier: Apache-2.0 */
#include "api/notes.h"

#include "api/kinds.h"

bool
shrink_below_parse(const char *text, int *out)
{
    uint64_t percent = 0;

    if (strcmp(text, "off") == 0) {
        *out = SHRINK_BELOW_OFF;
        return true;
    }
    if (!str_to_u64(str_c(text), &percent) || percent < 1 || percent > 100)
        return false;
    *out = (int)percent;
    return true;
}

static bool
note_removal(struct str value, struct notes *out)
{
    return str_to_u64(value, &out->allow_removal);
}

static bool
note_below(struct str value, struct notes *out)
{
    char text[8];

    return value.n < sizeof(text) &&
           shrink_below_parse(str_cut(value, text, sizeof(text)), &out->shrink_below);
}

static bool
note_flag(struct str value, bool *out)
{
    *out = str_eq(value, STR_LIT("true"));
    return *out || str_eq(value, STR_LIT("false"));
}

static bool
note_accept(struct str value, struct notes *out)
{
    return note_flag(value, &out->accept_shrink);
}

static bool
note_new(struct str value, struct notes *out)
{
    return note_flag(value, &out->new_repository);
}

static bool
note_allow(struct str value, struct notes *out)
{
    return note_flag(value, &out->allow);
}

static bool
note_safety(struct str value, struct notes *out)
{
    out->safety_skip = str_eq(value, STR_LIT("skip"));
    return out->safety_skip || str_eq(value, STR_LIT("required"));
}

static bool
note_safety_repository(struct str value, struct notes *out)
{
    out->safety_repository = (const char *)value.p;
    return value.n > 0 && value.n <= NOTE_NAME_MAX && memchr(value.p, '/', value.n) == NULL;
}

static bool
note_undo(struct str value, struct notes *out)
{
    return note_flag(value, &out->undo);
}

static bool
note_plan(struct str value, struct notes *out)
{
    return note_flag(value, &out->plan);
}

static bool
note_adopt(struct str value, struct notes *out)
{
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < ' ' || value.p[i] == 0x7f)
            return false;
    out->adopt_target = (const char *)value.p;
    return value.n > 0 && value.n <= NOTE_TARGET_MAX;
}

/* The operator's own, or a text that only has to be another one. */
static bool
note_mark(struct str value, struct notes *out)
{
    (void)out;
    return value.n > 0;
}

/* A value that cannot be read is told by a condition of its own, and does not stop backups. */
static bool
note_objective(struct str value, struct notes *out)
{
    (void)value;
    (void)out;
    return true;
}

static const struct note_def {
    const struct crd_def *of;
    const char *name, *must; /* what it must be, for people */
    bool (*take)(struct str value, struct notes *out);
} note_defs[] = {
    {&kind_backupconfiguration, NOTE_ALLOW_REMOVAL, "a number of snapshots", note_removal},
    {&kind_backupconfiguration, NOTE_SHRINK_BELOW, "a percentage from 1 to 100, or \"off\"",
     note_below},
    {&kind_backupconfiguration, NOTE_ACCEPT_SHRINK, "\"true\" or \"false\"", note_accept},
    {&kind_backupbatch, NOTE_ALLOW_REMOVAL, "a number of snapshots", note_removal},
    {&kind_backupbatch, NOTE_SHRINK_BELOW, "a percentage from 1 to 100, or \"off\"", note_below},
    {&kind_backupbatch, NOTE_ACCEPT_SHRINK, "\"true\" or \"false\"", note_accept},
    {&kind_backupconfiguration, NOTE_RPO, "a duration", note_objective},
    {&kind_backupconfiguration, NOTE_RTO, "a duration", note_objective},
    {&kind_backupbatch, NOTE_RPO, "a duration", note_objective},
    {&kind_backupbatch, NOTE_RTO, "a duration", note_objective},
    {&kind_backupconfiguration, NOTE_ADOPT_TARGET, "the name of a target", note_adopt},
    {&kind_restoresession, NOTE_SAFETY_COPY, "\"required\" or \"skip\"", note_safety},
    {&kind_restoresession, NOTE_SAFETY_REPOSITORY, "the name of a Repository of the same namespace",
     note_safety_repository},
    {&kind_restoresession, NOTE_UNDO, "\"true\" or \"false\"", note_undo},
    {&kind_restoresession, NOTE_PLAN, "\"true\" or \"false\"", note_plan},
    {&kind_restorebatch, NOTE_SAFETY_COPY, "\"required\" or \"skip\"", note_safety},
    {&kind_restorebatch, NOTE_SAFETY_REPOSITORY, "the name of a Repository of the same namespace",
     note_safety_repository},
    {&kind_restorebatch, NOTE_PLAN, "\"true\" or \"false\"", note_plan},
    {&kind_snapshot, NOTE_ALLOW_REMOVAL, "\"true\" or \"false\"", note_allow},
    {&kind_repository, NOTE_SHOW_SNAPSHOTS, "a text", note_mark},
    {&kind_repository, NOTE_NEW_REPOSITORY, "\"true\" or \"false\"", note_new},
    {&kind_backupconfiguration, NOTE_BLUEPRINT, "the name of a BackupBlueprint", note_mark},
    {&kind_backupconfiguration, NOTE_BLUEPRINT_TARGET, "namespace/name of an AppBinding",
     note_mark},
    {&kind_backupconfiguration, NOTE_BLUEPRINT_REVISION, "what the operator wrote", note_mark},
    {&kind_repository, NOTE_BLUEPRINT, "the name of a BackupBlueprint", note_mark},
    {&kind_repository, NOTE_BLUEPRINT_TARGET, "namespace/name of an AppBinding", note_mark},
    {&kind_repository, NOTE_BLUEPRINT_REVISION, "what the operator wrote", note_mark},
};

static const struct note_def *
note_find(const char *kind, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(note_defs); i++)
        if (strcmp(kind, note_defs[i].of->gvr->kind) == 0 && strcmp(name, note_defs[i].name) == 0)
            return &note_defs[i];
    return NULL;
}

enum rc
notes_read(const char *kind, const struct json *annotations, struct notes *out, struct err *e)
{
    struct notes n = {0};
    char shown[80];

    for (struct json_item it = json_first(annotations); it.key != NULL;
         it = json_next(annotations, it)) {
        const struct note_def *def;

        if (strncmp(it.key, NOTE_PREFIX, strlen(NOTE_PREFIX)) != 0)
            continue;
        def = note_find(kind, it.key);
        if (def == NULL)
            return err_set(e, RC_INVALID,
                           "annotation %s means nothing on a %s: remove it, or correct its name",
                           str_show(str_c(it.key), shown, sizeof(shown)), kind);
        if (json_text(it.value) == NULL || !def->take(json_text_str(it.value), &n))
            return err_set(e, RC_INVALID, "annotation %s must be %s", def->name, def->must);
    }
    *out = n;
    return RC_OK;
}

/* The namespace of "namespace/kind/name", perhaps with "@scope"; empty: it is not of that form. */
static struct str
target_namespace(const char *from)
{
    struct str name = str_of(from, strcspn(from, "@"));
    size_t ns = 0, kind = 0;

    while (ns < name.n && name.p[ns] != '/')
        ns++;
    while (ns + 1 + kind < name.n && name.p[ns + 1 + kind] != '/')
        kind++;
    if (kind == 0 || ns + kind + 2 >= name.n || memchr(name.p, ':', ns) != NULL)
        return str_of(from, 0);
    return str_of(from, ns);
}

enum rc
adoption_check(const struct adopter *by, const char *from, struct err *e)
{
    struct str ns;
    char shown[120];

    if (from == NULL)
        return RC_OK;
    ns = target_namespace(from);
    if (ns.n > 0 ? str_eq(ns, str_c(by->ns)) || str_eq(ns, str_c(by->target_ns))
                 : strcmp(by->ns, by->repo_ns) == 0)
        return RC_OK;
    return err_set(e, RC_INVALID,
                   "annotation %s: adopting snapshots of another namespace (target %s) needs the "
                   "Repository's owner: `cstash tag --target OLD=NEW` by hand",
                   NOTE_ADOPT_TARGET, str_show(str_c(from), shown, sizeof(shown)));
}
