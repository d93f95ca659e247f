/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>

#include "base/mem.h"
#include "validation/cel_call.h"
#include "validation/cel_literal.h"
#include "validation/cel_tree.h"

enum {
    WORD_MAX = 128,
    SCOPE_MAX = 16,
    CHAIN_MAX = 200 /* a + b + ...: each is a level of the tree */
};

struct parser {
    const char *text, *at;
    const char *scope[SCOPE_MAX]; /* variables of macros */
    size_t n_scope;
    int depth;
    bool transition;
    struct err *e;
};

static struct cel_node *parse_expr(struct parser *p);

static void
node_free(struct cel_node *n)
{
    if (n == NULL)
        return;
    for (size_t i = 0; i < n->n; i++)
        node_free(n->args[i]);
    mem_free(n->args);
    mem_free(n->name);
    mem_free(n->var);
    json_free(n->value);
    mem_free(n);
}

static struct cel_node *
cel_parse_fail(struct parser *p, const char *what)
{
    if (p->e->code == RC_OK)
        (void)err_set(p->e, RC_INVALID, "at character %zu: %s", (size_t)(p->at - p->text) + 1,
                      what);
    return NULL;
}

static struct cel_node *
node_new(enum cel_op op)
{
    struct cel_node *n = MEM_NEW(struct cel_node);

    n->op = op;
    return n;
}

/* Takes `arg`. */
static void
add_arg(struct cel_node *n, struct cel_node *arg)
{
    n->args = (struct cel_node **)mem_more(n->args, n->n, sizeof(struct cel_node *));
    n->args[n->n++] = arg;
}

/* `first`, and `second` unless NULL, are taken; NULL when one that was needed failed. */
static struct cel_node *
node_of(enum cel_op op, struct cel_node *first, struct cel_node *second, bool both)
{
    struct cel_node *n;

    if (first == NULL || (both && second == NULL)) {
        node_free(first);
        node_free(second);
        return NULL;
    }
    n = node_new(op);
    add_arg(n, first);
    if (both)
        add_arg(n, second);
    return n;
}

static void
cel_parse_skip(struct parser *p)
{
    for (;;) {
        while (isspace((unsigned char)*p->at))
            p->at++;
        if (p->at[0] != '/' || p->at[1] != '/')
            return;
        while (*p->at != '\0' && *p->at != '\n')
            p->at++;
    }
}

static bool
cel_parse_take(struct parser *p, const char *token)
{
    size_t n = strlen(token);

    cel_parse_skip(p);
    if (strncmp(p->at, token, n) != 0)
        return false;
    if (isalpha((unsigned char)token[0]) && (isalnum((unsigned char)p->at[n]) || p->at[n] == '_'))
        return false;
    p->at += n;
    return true;
}

static bool
cel_parse_word(struct parser *p, char to[static WORD_MAX])
{
    size_t n = 0;

    cel_parse_skip(p);
    if (!isalpha((unsigned char)*p->at) && *p->at != '_')
        return false;
    while ((isalnum((unsigned char)p->at[n]) || p->at[n] == '_') && n < WORD_MAX - 1) {
        to[n] = p->at[n];
        n++;
    }
    to[n] = '\0';
    p->at += n;
    return true;
}

/* `negative`: a minus was taken that belongs to the number. */
static struct cel_node *
parse_literal(struct parser *p, bool negative)
{
    const char *why;
    struct json *value = cel_literal(&p->at, negative, &why);
    struct cel_node *n;

    if (value == NULL)
        return cel_parse_fail(p, why);
    n = node_new(CEL_LITERAL);
    n->value = value;
    return n;
}

/* Comma-separated expressions up to `close`, added to `n`, which is taken. */
static struct cel_node *
parse_args(struct parser *p, struct cel_node *n, const char *close, bool pairs)
{
    while (!cel_parse_take(p, close)) {
        struct cel_node *arg;
        if (n->n > 0 && !cel_parse_take(p, ",")) {
            node_free(n);
            return cel_parse_fail(p, "a comma is missing");
        }
        if (n->n > 0 && cel_parse_take(p, close)) /* after a comma */
            break;
        arg = n->n < CEL_ARGS_MAX ? parse_expr(p) : cel_parse_fail(p, "too many arguments");
        if (arg != NULL)
            add_arg(n, arg);
        if (arg != NULL && pairs) {
            arg = cel_parse_take(p, ":") ? parse_expr(p) : cel_parse_fail(p, "a colon is missing");
            if (arg != NULL)
                add_arg(n, arg);
        }
        if (arg == NULL) {
            node_free(n);
            return NULL;
        }
    }
    return n;
}

static struct cel_node *
parse_has(struct parser *p)
{
    struct cel_node *of = parse_expr(p);

    if (of == NULL)
        return NULL;
    if (of->op != CEL_FIELD || !cel_parse_take(p, ")")) {
        node_free(of);
        return cel_parse_fail(p, "has() wants one field, such as self.a");
    }
    of->op = CEL_HAS;
    return of;
}

/* name(...) or, unless it is NULL, of.name(...); the parenthesis is taken already. Takes `of`. */
static struct cel_node *
parse_call(struct parser *p, struct cel_node *of, const char *name)
{
    bool method = of != NULL;
    struct cel_node *n, *args;

    if (!cel_call_known(name, method)) {
        node_free(of);
        return cel_parse_fail(p, "undeclared function");
    }
    n = node_new(method ? CEL_METHOD : CEL_CALL);
    n->name = mem_strdup(name);
    args = parse_args(p, node_new(CEL_LIST), ")", false);
    if (of != NULL)
        add_arg(n, of);
    for (size_t i = 0; args != NULL && i < args->n; i++) {
        add_arg(n, args->args[i]);
        args->args[i] = NULL;
    }
    if (args != NULL && cel_call_takes(name, method, n->n)) {
        node_free(args);
        return n;
    }
    node_free(args);
    node_free(n);
    return cel_parse_fail(p, "the function takes other arguments");
}

static struct cel_node *
parse_name(struct parser *p)
{
    struct cel_node *n;
    char name[WORD_MAX];

    if (!cel_parse_word(p, name))
        return cel_parse_fail(p, "a name is missing");
    if (cel_parse_take(p, "(")) {
        if (strcmp(name, "has") == 0)
            return parse_has(p);
        return parse_call(p, NULL, name);
    }
    n = node_new(CEL_LITERAL);
    if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0) {
        n->value = json_new_bool(name[0] == 't');
        return n;
    }
    if (strcmp(name, "null") == 0) {
        n->value = json_new_null();
        return n;
    }
    n->op = CEL_NAME;
    n->name = mem_strdup(name);
    p->transition = p->transition || strcmp(name, "oldSelf") == 0;
    if (strcmp(name, "self") == 0 || strcmp(name, "oldSelf") == 0)
        return n;
    for (size_t i = 0; i < p->n_scope; i++)
        if (strcmp(p->scope[i], name) == 0)
            return n;
    node_free(n);
    return cel_parse_fail(p, "undeclared reference");
}

static struct cel_node *
parse_primary(struct parser *p)
{
    struct cel_node *n;

    cel_parse_skip(p);
    if (cel_is_literal(p->at))
        return parse_literal(p, false);
    if (isalpha((unsigned char)*p->at) || *p->at == '_')
        return parse_name(p);
    if (cel_parse_take(p, "[")) {
        return parse_args(p, node_new(CEL_LIST), "]", false);
    }
    if (cel_parse_take(p, "{"))
        return parse_args(p, node_new(CEL_MAP), "}", true);
    if (!cel_parse_take(p, "("))
        return cel_parse_fail(p, "an expression is missing");
    n = parse_expr(p);
    if (n != NULL && !cel_parse_take(p, ")")) {
        node_free(n);
        return cel_parse_fail(p, "a parenthesis is missing");
    }
    return n;
}

/* of.all(v, ...) and the like; the parenthesis is taken already. */
static struct cel_node *
parse_macro(struct parser *p, struct cel_node *of, const char *name)
{
    struct cel_node *n = node_new(CEL_MACRO), *arg;
    char var[WORD_MAX];

    add_arg(n, of);
    n->name = mem_strdup(name);
    if (!cel_parse_word(p, var) || !cel_parse_take(p, ",") || p->n_scope == SCOPE_MAX) {
        node_free(n);
        return cel_parse_fail(p, "a variable and an expression are missing");
    }
    n->var = mem_strdup(var);
    p->scope[p->n_scope++] = n->var;
    do {
        arg = n->n < 3 ? parse_expr(p) : cel_parse_fail(p, "too many arguments");
        if (arg != NULL)
            add_arg(n, arg);
    } while (arg != NULL && cel_parse_take(p, ","));
    p->n_scope--;
    if (arg == NULL || !cel_parse_take(p, ")") || (n->n > 2 && strcmp(name, "map") != 0)) {
        node_free(n);
        return cel_parse_fail(p, "the macro is malformed");
    }
    return n;
}

static struct cel_node *
parse_method(struct parser *p, struct cel_node *of, const char *name)
{
    static const char *const macros[] = {"all", "exists", "exists_one", "filter", "map"};

    for (size_t i = 0; i < ARRAY_LEN(macros); i++)
        if (strcmp(macros[i], name) == 0)
            return parse_macro(p, of, name);
    return parse_call(p, of, name);
}

static struct cel_node *
parse_member(struct parser *p, bool negative)
{
    struct cel_node *n = negative ? parse_literal(p, true) : parse_primary(p);
    char name[WORD_MAX];
    int links = 0;

    while (n != NULL) {
        if (++links > CHAIN_MAX) {
            node_free(n);
            return cel_parse_fail(p, "too long a chain");
        }
        if (cel_parse_take(p, ".")) {
            if (!cel_parse_word(p, name)) {
                node_free(n);
                return cel_parse_fail(p, "a field is missing");
            }
            if (cel_parse_take(p, "(")) {
                n = parse_method(p, n, name);
                continue;
            }
            n = node_of(CEL_FIELD, n, NULL, false);
            n->name = cel_unescape(name);
        } else if (cel_parse_take(p, "[")) {
            n = node_of(CEL_INDEX, n, parse_expr(p), true);
            if (n != NULL && !cel_parse_take(p, "]")) {
                node_free(n);
                return cel_parse_fail(p, "a bracket is missing");
            }
        } else {
            break;
        }
    }
    return n;
}

static struct cel_node *
parse_unary(struct parser *p)
{
    struct cel_node *n;

    if (++p->depth > CEL_DEPTH_MAX)
        return cel_parse_fail(p, "nested too deeply");
    cel_parse_skip(p);
    if (p->at[0] == '!' && p->at[1] != '=') {
        p->at++;
        n = node_of(CEL_NOT, parse_unary(p), NULL, false);
    } else if (p->at[0] == '-') {
        p->at++;
        cel_parse_skip(p);
        n = cel_is_number_literal(p->at) ? parse_member(p, true)
                                         : node_of(CEL_MINUS, parse_unary(p), NULL, false);
    } else {
        n = parse_member(p, false);
    }
    p->depth--;
    return n;
}

/* Operators of one level each, the loosest first; all of them group to the left. */
static const struct {
    const char *token;
    enum cel_op op;
    int level;
} operators[] = {
    {"||", CEL_OR, 0}, {"&&", CEL_AND, 1}, {"==", CEL_EQ, 2}, {"!=", CEL_NE, 2}, {"<=", CEL_LE, 2},
    {">=", CEL_GE, 2}, {"<", CEL_LT, 2},   {">", CEL_GT, 2},  {"in", CEL_IN, 2}, {"+", CEL_ADD, 3},
    {"-", CEL_SUB, 3}, {"*", CEL_MUL, 4},  {"/", CEL_DIV, 4}, {"%", CEL_MOD, 4},
};
enum { LEVELS = 5 };

static struct cel_node *
parse_level(struct parser *p, int level)
{
    struct cel_node *n = level == LEVELS ? parse_unary(p) : parse_level(p, level + 1);
    int links = 0;

    while (n != NULL && level < LEVELS) {
        size_t i = 0;
        while (i < ARRAY_LEN(operators) &&
               !(operators[i].level == level && cel_parse_take(p, operators[i].token)))
            i++;
        if (i == ARRAY_LEN(operators))
            break;
        if (++links > CHAIN_MAX) {
            node_free(n);
            return cel_parse_fail(p, "too long a chain");
        }
        n = node_of(operators[i].op, n, parse_level(p, level + 1), true);
    }
    return n;
}

static struct cel_node *
parse_expr(struct parser *p)
{
    struct cel_node *n, *yes;

    if (++p->depth > CEL_DEPTH_MAX)
        return cel_parse_fail(p, "nested too deeply");
    n = parse_level(p, 0);
    if (n != NULL && cel_parse_take(p, "?")) {
        yes = parse_expr(p);
        if (yes != NULL && !cel_parse_take(p, ":")) {
            node_free(yes);
            yes = cel_parse_fail(p, "a colon is missing");
        }
        n = node_of(CEL_IF, n, yes, true);
        if (n != NULL) {
            struct cel_node *no = parse_expr(p);
            if (no == NULL) {
                node_free(n);
                return NULL;
            }
            add_arg(n, no);
        }
    }
    p->depth--;
    return n;
}

enum rc
cel_parse(const char *text, struct cel **out, struct err *e)
{
    struct parser p = {.text = text, .at = text, .e = e};
    struct cel_node *root;

    if (strlen(text) > CEL_TEXT_MAX)
        return err_set(e, RC_INVALID, "longer than %d bytes", CEL_TEXT_MAX);
    root = parse_expr(&p);
    cel_parse_skip(&p);
    if (root != NULL && *p.at != '\0') {
        node_free(root);
        root = cel_parse_fail(&p, "the expression should end here");
    }
    if (root == NULL)
        return err_code(e);
    *out = MEM_NEW(struct cel);
    (*out)->root = root;
    (*out)->transition = p.transition;
    return RC_OK;
}

void
cel_free(struct cel *c)
{
    if (c == NULL)
        return;
    node_free(c->root);
    mem_free(c);
}

bool
cel_is_transition(const struct cel *c)
{
    return c->transition;
}
