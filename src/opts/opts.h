/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPTS_OPTS_H
#define OPTS_OPTS_H

/*
 * opts/opts -- options by table: a row says the name, the type, where the value goes, and the help.
 *
 * Why      a command line, the `args` of a Task, --help, the manual pages and shell completion are
 *          made from the same rows, so that an option is added in one place.
 * Shape    a group is a struct and a table of rows beside it; offsets are of that struct. Who takes
 *          options embeds the groups that it wants and lists them with their own offsets.
 * Rows     made with the macros below, which check at compile time that the field has the C type that
 *          the row writes. A preset is parsed as if it had been given, and shown in the help.
 * Syntax   --name value, --name=value, -n value, -nvalue, -n=value, flags together (-qv); "--" ends
 *          options. Go's: -name and --name are the same, and there are no letters; no shell has read
 *          the words, so a value in quotes is refused: "k*" would match nothing.
 * Foreign  names that other programs have for an option, and letters in use as there (-h HOST, -p PORT,
 *          -n DB), are errors with the right name.
 * Errors   RC_USAGE: "--name: what is wrong, and what would be right". RC_NOT_FOUND: an unknown name, with
 *          those that are like it as hint (in Go's syntax, beside which there is no --help: with all). The first error is kept and the rest parsed all the same, so that
 *          who must report it can. A value that is empty is an error where it has no meaning: it is
 *          what a script makes of a variable that it forgot to set.
 * Owner    texts and lists are borrowed from the words that were parsed, and from the table.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

enum { OPT_LIST_MAX = 64, OPT_VALUE_TEXT = 96, OPT_HELP_TEXT = 400, OPT_UNSET = -1 };

struct opt_list {
    const char *v[OPT_LIST_MAX];
    size_t n;
};

struct opt_time {
    bool given;
    struct instant at;
};

struct opt;

/* What a value may be, and how it is stored. Statics of opts/types.c, or of who needs one of its own. */
struct opt_type {
    const char *value;             /* what to call the value in the help */
    const char *const *words;      /* for completion; NULL: none, or those of the row */
    bool is_flag;                  /* --name says it all; --name=... is for `parse` */
    bool is_path, is_list;         /* for completion: of a file or folder; may come again */
    bool may_be_quoted;            /* in Go's syntax: quotes around it may be part of it */
    bool may_be_empty, is_ignored; /* ignored: accepted for compatibility, stored nowhere */
    /* Store `text` at `to`; NULL: the option is not given. The error needs no name: it is put before. */
    enum rc (*parse)(const struct opt *o, const char *text, void *to, struct err *e);
};

/* Borrowed texts, NULL when not given. The first four must not be empty. */
extern const struct opt_type opt_text, opt_file, opt_folder, opt_glob, opt_text_or_none,
    opt_file_or_none;
/* struct opt_list: one more each time. */
extern const struct opt_type opt_list, opt_files, opt_list_or_none;
/* bool: opt_flag takes no value, opt_bool may: true, false, 1 or 0, behind an equals sign. */
extern const struct opt_type opt_flag, opt_bool;
/*
 * int64_t, OPT_UNSET when not given: numbers from min to max (where OPT_UNSET is one of them, min - 1 is
 * "not given"); bytes ("10M"); bytes a second, said in KiB. ..._or_none: the empty text means "not given",
 * as variables of a Function may be.
 */
extern const struct opt_type opt_count, opt_count_or_none, opt_size, opt_rate;
/* int, milliseconds, OPT_UNSET when not given: "90" and, as in Go, "90s", "1h30m", "1.5h"; more than 0 is at
 * least 1. ..._or_none as above. */
extern const struct opt_type opt_ms, opt_ms_or_none;
/* An enum: the index in the row's words. */
extern const struct opt_type opt_enum;
/* struct opt_time: "2012-11-01 22:08:41" in the local time zone, or "2012-11-01T22:08:41+01:00". */
extern const struct opt_type opt_time;
extern const struct opt_type opt_ignored, opt_ignored_flag;

struct opt_field {
    const struct opt_type *type;
    size_t offset;
    const char *preset;       /* NULL: none */
    const char *bare;         /* what --name alone means; a value needs the equals sign then */
    const char *const *words; /* of opt_enum: NULL-terminated, in the order of the enum */
    int64_t min, max;         /* of opt_count */
};

struct opt {
    const char *name; /* without the dashes; NULL ends the table */
    char letter;      /* or 0 */
    struct opt_field field;
    const char *value; /* what to call the value in the help; NULL: as the type, or the words */
    const char
        *help; /* NULL: it is taken, but not shown: it has no effect, or says why it is not there */
};

#define OPT_OFFSET(T, f, C)                                                                        \
    (offsetof(T, f) +                                                                              \
     0 * sizeof(char[1 - 2 * !__builtin_types_compatible_p(__typeof__(((T *)0)->f), C)]))
#define OPT_FIELD(type, T, f, C, preset)                                                           \
    {                                                                                              \
        &(type), OPT_OFFSET(T, f, C), preset, NULL, NULL, 0, 0                                     \
    }

#define OPT_TEXT(T, f) OPT_FIELD(opt_text, T, f, const char *, NULL)
#define OPT_TEXT_PRESET(T, f, preset) OPT_FIELD(opt_text, T, f, const char *, preset)
#define OPT_TEXT_OR_NONE(T, f) OPT_FIELD(opt_text_or_none, T, f, const char *, NULL)
#define OPT_TEXT_OR_NONE_PRESET(T, f, preset)                                                      \
    OPT_FIELD(opt_text_or_none, T, f, const char *, preset)
#define OPT_FILE(T, f) OPT_FIELD(opt_file, T, f, const char *, NULL)
#define OPT_FILE_OR_NONE(T, f) OPT_FIELD(opt_file_or_none, T, f, const char *, NULL)
#define OPT_GLOB(T, f) OPT_FIELD(opt_glob, T, f, const char *, NULL)
#define OPT_FOLDER(T, f) OPT_FIELD(opt_folder, T, f, const char *, NULL)
#define OPT_LIST(T, f) OPT_FIELD(opt_list, T, f, struct opt_list, NULL)
#define OPT_FILES(T, f) OPT_FIELD(opt_files, T, f, struct opt_list, NULL)
#define OPT_LIST_OR_NONE(T, f) OPT_FIELD(opt_list_or_none, T, f, struct opt_list, NULL)
#define OPT_FLAG(T, f) OPT_FIELD(opt_flag, T, f, bool, NULL)
#define OPT_BOOL(T, f) OPT_FIELD(opt_bool, T, f, bool, NULL)
#define OPT_BOOL_PRESET(T, f, preset) OPT_FIELD(opt_bool, T, f, bool, preset)
#define OPT_MS(T, f, preset) OPT_FIELD(opt_ms, T, f, int, preset)
#define OPT_MS_OR_NONE(T, f, preset) OPT_FIELD(opt_ms_or_none, T, f, int, preset)
#define OPT_SIZE(T, f) OPT_FIELD(opt_size, T, f, int64_t, NULL)
#define OPT_RATE(T, f) OPT_FIELD(opt_rate, T, f, int64_t, NULL)
#define OPT_TIME(T, f) OPT_FIELD(opt_time, T, f, struct opt_time, NULL)
#define OPT_COUNT(T, f, min, max, preset)                                                          \
    {                                                                                              \
        &opt_count, OPT_OFFSET(T, f, int64_t), preset, NULL, NULL, min, max                        \
    }
#define OPT_COUNT_OR_NONE(T, f, min, max, preset)                                                  \
    {                                                                                              \
        &opt_count_or_none, OPT_OFFSET(T, f, int64_t), preset, NULL, NULL, min, max                \
    }
/* `words` is a NULL-terminated array. */
#define OPT_ENUM(T, f, words, preset) OPT_ENUM_BARE(T, f, words, preset, NULL)
#define OPT_ENUM_BARE(T, f, words, preset, bare)                                                   \
    {                                                                                              \
        &opt_enum,                                                                                 \
            offsetof(T, f) + 0 * sizeof(char[1 - 2 * (sizeof(((T *)0)->f) != sizeof(int))]),       \
            preset, bare, words, 0, 0                                                              \
    }
/* A type of one's own, for a field of the C type `C`. */
#define OPT_OWN(type, T, f, C, preset) OPT_FIELD(type, T, f, C, preset)
#define OPT_IGNORED                                                                                \
    {                                                                                              \
        &opt_ignored, 0, NULL, NULL, NULL, 0, 0                                                    \
    }
#define OPT_IGNORED_FLAG                                                                           \
    {                                                                                              \
        &opt_ignored_flag, 0, NULL, NULL, NULL, 0, 0                                               \
    }

/* A table, and where its struct lies in the whole; the end has no table. */
struct opt_group {
    const struct opt *table;
    size_t offset;
};

/* The name of an option elsewhere; told where the command has the option `ours`. */
struct opt_foreign {
    const char *word, *ours, *say; /* word with its dashes; NULL ends the list */
};

struct opts_syntax {
    const struct opt_group *groups;
    const struct opt_foreign *foreign; /* NULL: none */
    bool go;                           /* Go's */
};

/*
 * Presets and "not given" first, then the words. `out` is the struct that the groups' offsets are of;
 * `rest`: the words that are not options.
 */
NODISCARD enum rc opts_parse(const struct opts_syntax *s, int argc, char **argv, void *out,
                             struct opt_list *rest, struct err *e);

/*
 * How many words in front are options of `groups` and their values: what stands before a command. Stops at the first
 * that is neither, an unknown option too.
 */
int opts_leading(const struct opt_group *groups, int argc, char **argv);

/* One row after the other; NULL behind the last. Begin with a zeroed cursor. */
struct opts_cursor {
    size_t group, row;
};
const struct opt *opts_next(const struct opt_group *groups, struct opts_cursor *at);
/* The same of those that are shown. */
const struct opt *opts_next_shown(const struct opt_group *groups, struct opts_cursor *at);

/* What the help calls the value: "FILE", "auto|off|max"; NULL: it takes none. Returns `to` or NULL. */
const char *opt_value(const struct opt *o, char to[static OPT_VALUE_TEXT]);
/* The words that the value may be, NULL-terminated; NULL: any text. */
const char *const *opt_words(const struct opt *o);

/* The help of a row, with its preset behind it: "compression level [auto]". Returns `to`. */
const char *opt_help(const struct opt *o, char to[static OPT_HELP_TEXT]);

/* May `given`, of `n` bytes, be a slip of the pen for `name`, or its beginning? */
bool opts_alike(const char *given, size_t n, const char *name);

/* "--a --b": the names of what has an effect, whole, as many as fit; Go's style for names of one letter. */
void opts_names(const struct opt_group *groups, char *to, size_t n);
/* The options as help text on stdout, at most 80 columns wide. */
void opts_print(const struct opt_group *groups);

#endif
