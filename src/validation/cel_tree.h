/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_CEL_TREE_H
#define VALIDATION_CEL_TREE_H

/* validation/cel_tree -- a parsed expression; only cel_parse.c, cel_fields.c and cel_eval.c look inside.
 */
#include "validation/cel.h"

enum cel_op {
    CEL_LITERAL, /* value */
    CEL_NAME,    /* name */
    CEL_LIST,    /* args */
    CEL_MAP,     /* args: key, value, key, value */
    CEL_FIELD,   /* args[0].name */
    CEL_HAS,     /* has(args[0].name) */
    CEL_INDEX,   /* args[0][args[1]] */
    CEL_CALL,    /* name(args) */
    CEL_METHOD,  /* args[0].name(args[1], ...) */
    CEL_MACRO,   /* args[0].name(var, args[1]); map with a filter: args[2] is the value */
    CEL_NOT,
    CEL_MINUS,
    CEL_AND,
    CEL_OR,
    CEL_IF,
    CEL_EQ,
    CEL_NE,
    CEL_LT,
    CEL_LE,
    CEL_GT,
    CEL_GE,
    CEL_IN,
    CEL_ADD,
    CEL_SUB,
    CEL_MUL,
    CEL_DIV,
    CEL_MOD
};

enum { CEL_ARGS_MAX = 64 };

struct cel_node {
    enum cel_op op;
    char *name, *var;
    struct json *value;
    struct cel_node **args;
    size_t n;
};

struct cel {
    struct cel_node *root;
    bool transition;
};

/*
 * Names that are not identifiers are escaped in rules: "__dash__" is "-", "__in__" is "in". The
 * caller frees.
 */
char *cel_unescape(const char *name);

#endif
