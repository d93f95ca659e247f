/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_SCHEMA_H
#define API_SCHEMA_H

/*
 * api/schema -- a kind as a table of fields: from it come its CustomResourceDefinition, its
 * defaults and its validation.
 *
 * Why      the CRD that a cluster enforces, what the operator fills in and what it refuses are one
 *          statement, not three.
 * Shape    a struct field says what may stand under one name; a struct crd_def is a field table
 *          with names, columns and rules. The tables are static data: one file per kind.
 * Rules    in CEL, evaluated by the API server alone (Kubernetes: x-kubernetes-validations).
 * Threads  any: nothing here changes.
 * Source   Kubernetes "Extend the API: structural schemas", "validation rules"; Stash's CRDs.
 */
#include "json/node.h"
#include "kube/kube.h"

enum field_type {
    F_STR,
    F_NAME, /* of an object of Kubernetes, or empty */
    F_BOOL,
    F_INT32,
    F_INT64,
    F_TIME,     /* RFC 3339 */
    F_DURATION, /* Go's: "1h30m" */
    F_QUANTITY, /* "200m", "1Gi" or a number */
    F_BYTES,    /* base64 */
    F_PORT,     /* a number or a name */
    F_OBJECT,   /* of the fields in `of` */
    F_LIST,     /* of such objects */
    F_STRS,     /* a list of strings */
    F_INT32S,   /* a list of numbers */
    F_STR_MAP,  /* string to string */
    F_FREE,     /* an object whose fields we do not list and keep: core types, parameters */
    F_FREE_LIST /* a list of such objects */
};

struct rule {
    const char *cel, *message; /* cel NULL ends a table */
};

/* What comes of setting a field; docs/kinds.md says it of each. */
enum field_fate {
    FATE_ACTS,
    FATE_TOLD, /* nothing acts on it, and whoever sets it is told so: kind_unused */
    FATE_NOTED /* nothing acts on it: it is for people and other programs */
};

struct field {
    const char *name; /* NULL ends a table */
    enum field_type type;
    bool required;
    const char *doc;
    const struct field *of;
    const char *const *words; /* the values a F_STR may have; NULL: any */
    const char *otherwise;    /* the default, as JSON */
    const struct rule *rules;
    const char *keys[3];  /* of a F_LIST that is a map: the fields that tell its elements apart */
    unsigned max_items;   /* of a list, 0: SCHEMA_ITEMS_MAX; rules that loop need few */
    enum field_fate fate; /* of an object, of all that is in it, where it is not FATE_ACTS */
    const char *
        refused; /* for people: which values are refused beside those of other types and words; or NULL */
};

/*
 * No text and no list of a kind is longer. They bound what an object may cost, and are wide on
 * purpose: a server takes no change of a stored object that a later schema forbids, not even the
 * removal of a finalizer. What a name may look like is judged by kind_validate, whose word becomes
 * a condition.
 */
enum { SCHEMA_TEXT_MAX = 128 * 1024, SCHEMA_BYTES_MAX = 1024 * 1024, SCHEMA_ITEMS_MAX = 16 * 1024 };

struct column {
    const char *name, *type, *path; /* name NULL ends a table */
};

struct crd_def {
    const struct kube_gvr *gvr;
    const char *singular;
    const char *const *short_names; /* NULL: none */
    const char *const *categories;
    bool status;
    const char *doc;
    const struct field *fields;          /* beside apiVersion, kind and metadata */
    const struct rule *rules;            /* of the whole object */
    const struct column *columns, *wide; /* with -o wide only; NULL: none */
};

/* The CustomResourceDefinition; the caller frees. */
struct json *kind_crd(const struct crd_def *k);

/* Put defaults where they are missing, as an API server does on reading. */
void kind_default(const struct crd_def *k, struct json *obj);

/*
 * Is `obj` one of this kind: types, required fields, words, names, lengths? RC_INVALID names the first field that
 * is not, as "spec.backend.s3.bucket". Unknown fields are passed over; rules are the server's.
 */
NODISCARD enum rc kind_validate(const struct crd_def *k, const struct json *obj, struct err *e);

/*
 * The fields that are set though nothing acts on them, as "spec.target.paths, spec.rules.exclude"; appended, nothing when
 * there is none. A list is looked into.
 */
void kind_unused(const struct crd_def *k, const struct json *obj, struct buf *out);

#endif
