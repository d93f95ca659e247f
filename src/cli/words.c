/* SPDX-License-Identifier: Apache-2.0 */
/* What words may be: the parts of app.h and snapshot_opts.h that need nothing around them. */
#include "cli/app.h"
#include "cli/snapshot_opts.h"

/* Any other word is looked for as an ID, as restic does, even if none can match. */
enum rc
app_check_snapshot(const char *word, struct err *e)
{
    char shown[80];
    uint64_t back;

    if (word[0] != '-' && (strncmp(word, "latest:", 7) != 0 || str_to_u64(str_c(word + 7), &back)))
        return RC_OK;
    return err_set(
        e, RC_USAGE,
        "\"%s\" is not a snapshot: give an ID, \"latest\", or \"latest:N\" for the one N "
        "before it",
        str_show(str_c(word), shown, sizeof(shown)));
}

int
app_word(const char *word, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return -1;
}
