/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_PROTOBUF_MESSAGES_H
#define PLANE_PROTOBUF_MESSAGES_H

/*
 * plane/protobuf_messages -- what Kubernetes' messages are made of: for each field its number, its type and its JSON name.
 *
 * Absent   Go writes "", 0 and false of a field that is not a pointer even where they mean nothing, and JSON leaves them out
 *          ("omitempty"): those are TEXT, INT and BOOL. Of KEPT_TEXT, KEPT_INT and KEPT_BOOL they are kept: runAsUser 0.
 *          A MESSAGE is kept when it is empty: "emptyDir".
 * Left out what nothing on one machine can act on (volumes of clouds, Windows) and alpha fields: refused, never lost.
 * Source   the tags "json" and "protobuf" in k8s.io/api 0.34 and k8s.io/apimachinery/pkg/apis/meta/v1.
 */
#include <stddef.h>

enum message_type {
    M_TEXT,
    M_KEPT_TEXT,
    M_INT,
    M_KEPT_INT,
    M_BOOL,
    M_KEPT_BOOL,
    M_TIME,
    M_MICRO_TIME,
    M_QUANTITY,    /* a text in a message */
    M_INT_OR_TEXT, /* a message of three fields */
    M_TEXTS,
    M_INTS,
    M_MESSAGE,
    M_MESSAGES,
    M_INLINE, /* a message here, fields of this object in JSON; its name is for errors */
    M_TEXT_MAP,
    M_BYTES_MAP,
    M_QUANTITY_MAP,
    M_TEXTS_MAP,
    M_SERVERS /* the server's own: what a client says of it plays no part */
};

struct member {
    unsigned number; /* 0 ends a table */
    enum message_type type;
    const char *name;
    const struct member *of;
};

/* Tables are written with these. */
/* clang-format off */
#define TEXT(number, name)              {number, M_TEXT, name, NULL}
#define KEPT_TEXT(number, name)         {number, M_KEPT_TEXT, name, NULL}
#define INT(number, name)               {number, M_INT, name, NULL}
#define KEPT_INT(number, name)          {number, M_KEPT_INT, name, NULL}
#define BOOL(number, name)              {number, M_BOOL, name, NULL}
#define KEPT_BOOL(number, name)         {number, M_KEPT_BOOL, name, NULL}
#define TIME(number, name)              {number, M_TIME, name, NULL}
#define MICRO_TIME(number, name)        {number, M_MICRO_TIME, name, NULL}
#define QUANTITY(number, name)          {number, M_QUANTITY, name, NULL}
#define INT_OR_TEXT(number, name)       {number, M_INT_OR_TEXT, name, NULL}
#define TEXTS(number, name)             {number, M_TEXTS, name, NULL}
#define INTS(number, name)              {number, M_INTS, name, NULL}
#define MESSAGE(number, name, members)  {number, M_MESSAGE, name, members}
#define MESSAGES(number, name, members) {number, M_MESSAGES, name, members}
#define INLINE(number, name, members)   {number, M_INLINE, name, members}
#define TEXT_MAP(number, name)          {number, M_TEXT_MAP, name, NULL}
#define BYTES_MAP(number, name)         {number, M_BYTES_MAP, name, NULL}
#define QUANTITY_MAP(number, name)      {number, M_QUANTITY_MAP, name, NULL}
#define TEXTS_MAP(number, name)         {number, M_TEXTS_MAP, name, NULL}
#define SERVERS(number, name)           {number, M_SERVERS, name, NULL}
#define END                             {0, M_SERVERS, NULL, NULL}
/* clang-format on */

/* What several kinds are made of. */
extern const struct member message_object_meta[], message_label_selector_requirement[],
    message_label_selector[], message_local_object_reference[], message_object_reference[],
    message_delete_options[], message_persistent_volume_claim_spec[];
extern const struct member message_pod_template_spec[], message_pod[];
/* The kinds of "v1". */
extern const struct member message_config_map[], message_endpoints[], message_event[],
    message_namespace[], message_node[], message_persistent_volume_claim[], message_secret[],
    message_service[], message_service_account[];

/* The members of a kind; NULL: not known. */
const struct member *message_of_kind(const char *api_version, const char *kind);

#endif
