/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_NOTES_H
#define API_NOTES_H

/*
 * api/notes -- the annotations of ours, by which a person tells what Stash has no field for.
 *
 * Why      the operator refuses what a Job could not use, and a misspelt one, before a night is lost:
 *          both read them here.
 * Errors   RC_INVALID names the annotation, and what it may be.
 */
#include "json/node.h"

#define NOTE_PREFIX "cstash.io/"

/* Of a BackupConfiguration; all but the last also of a BackupBatch, for each of its members. */
/* How many snapshots retention may remove; of a Snapshot: "true" lets it be removed though it should stay. */
#define NOTE_ALLOW_REMOVAL NOTE_PREFIX "allow-removal"
#define NOTE_SHRINK_BELOW NOTE_PREFIX "shrink-below"   /* percent, or "off" (maintain/shrink.h) */
#define NOTE_ACCEPT_SHRINK NOTE_PREFIX "accept-shrink" /* "true" or "false" */
/* Durations: what may be lost, and how long the way back may take (operator/objective.h). */
#define NOTE_RPO NOTE_PREFIX "rpo"
#define NOTE_RTO NOTE_PREFIX "rto"
#define NOTE_ADOPT_TARGET NOTE_PREFIX "adopt-target" /* whose snapshots become this target's */
/* Of a RestoreSession and a RestoreBatch. */
#define NOTE_SAFETY_COPY NOTE_PREFIX "safety-copy" /* "required" or "skip" */
#define NOTE_SAFETY_REPOSITORY                                                                     \
    NOTE_PREFIX "safety-repository"  /* name of a Repository, for the copy */
#define NOTE_UNDO NOTE_PREFIX "undo" /* "true": of a RestoreSession: go back to a copy */
#define NOTE_PLAN NOTE_PREFIX "plan" /* "true": only say whether it would work */
/* How their Jobs get them. */
#define NOTE_SAFETY_COPY_ENV "CSTASH_SAFETY_COPY"
#define NOTE_SAFETY_REPOSITORY_ENV                                                                 \
    "CSTASH_SAFETY_REPOSITORY_NAME" /* also where the operator found one */
#define NOTE_UNDO_ENV "CSTASH_UNDO"
#define NOTE_PLAN_ENV "CSTASH_PLAN"
/* Of a Repository. */
#define NOTE_NEW_REPOSITORY NOTE_PREFIX "new-repository" /* "true" or "false" */
#define NOTE_SHOW_SNAPSHOTS                                                                        \
    NOTE_PREFIX "show-snapshots" /* any text: changed, they are looked at anew */
/* Of both, written by the operator: from which BackupBlueprint, for which AppBinding ("namespace/name"), of which content. */
#define NOTE_BLUEPRINT NOTE_PREFIX "blueprint"
#define NOTE_BLUEPRINT_TARGET NOTE_PREFIX "blueprint-target"
#define NOTE_BLUEPRINT_REVISION NOTE_PREFIX "blueprint-revision"

enum { SHRINK_BELOW_OFF = -1, NOTE_TARGET_MAX = 1024, NOTE_NAME_MAX = 253 };

struct notes {
    uint64_t allow_removal;
    int shrink_below; /* 1 to 100, SHRINK_BELOW_OFF, or 0: it is not there */
    bool accept_shrink;
    const char *adopt_target;      /* borrowed; NULL: it is not there */
    const char *safety_repository; /* borrowed; NULL: it is not there */
    bool new_repository;           /* where one was lost */
    bool allow;                    /* the removal of this Snapshot */
    bool safety_skip, undo, plan;  /* of a restore */
};

/* What stands in metadata.annotations of an object of `kind`; all else than ours is passed over. */
NODISCARD enum rc notes_read(const char *kind, const struct json *annotations, struct notes *out,
                             struct err *e);

/* Who asks to adopt. Borrowed texts. */
struct adopter {
    const char *ns, *target_ns; /* of the configuration, and of its target */
    const char *repo_ns;        /* of the Repository */
};

/*
 * May it have the snapshots of target `from` (NULL: of none)? A Repository may be shared, so
 * "namespace/kind/name" must be of its own namespace or its target's; any other name was given by
 * hand, and belongs to the Repository's namespace. RC_INVALID says what to do instead.
 */
NODISCARD enum rc adoption_check(const struct adopter *by, const char *from, struct err *e);

/* "off", or a percentage from 1 to 100, as notes.shrink_below has it. False: neither. */
bool shrink_below_parse(const char *text, int *out);

#endif
