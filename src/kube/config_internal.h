/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_CONFIG_INTERNAL_H
#define KUBE_CONFIG_INTERNAL_H

/*
 * kube/config_internal -- what a configuration comes to.
 */
#include "json/node.h"
#include "kube/config.h"

enum { CONFIG_FILE_MAX = 16 * 1024 * 1024 };

struct kube_config {
    char *server, *ns, *context;
    char *ca, *cert, *key; /* PEM, or NULL */
    char *token, *token_file, *user, *password;
    char *server_name, *proxy;
    char **as;      /* lines of the header, "Impersonate-User: x"; NULL ends. NULL: nobody else */
    int timeout_ms; /* 0: the default */
    struct json *exec;    /* the plug-in's configuration, or NULL */
    struct json *cluster; /* what the plug-in may know */
    char *exec_dir;
    bool insecure, in_cluster;
};

/* The token in a file, without white space around it; the caller frees. */
NODISCARD enum rc kube_read_token(const char *path, char **out, struct err *e);

#endif
