/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/store_list -- lists of S3 and Azure: names are short, and two readings find the same. */
#include "store/remote.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { NAME_LIMIT = 4096, MARK_LIMIT = 8 * 1024 };

static const struct remote_xml lists[] = {
    {.entry = "ListBucketResult/Contents",
     .name = "ListBucketResult/Contents/Key",
     .size = "ListBucketResult/Contents/Size",
     .written = "ListBucketResult/Contents/LastModified",
     .next = "ListBucketResult/NextContinuationToken"},
    {.entry = "EnumerationResults/Blobs/Blob",
     .name = "EnumerationResults/Blobs/Blob/Name",
     .size = "EnumerationResults/Blobs/Blob/Properties/Content-Length",
     .written = "EnumerationResults/Blobs/Blob/Properties/Last-Modified",
     .next = "EnumerationResults/NextMarker"},
};

struct sum {
    uint64_t names, letters, bytes;
};

static enum rc
add(void *arg, const struct remote_entry *o, struct err *e)
{
    struct sum *s = (struct sum *)arg;

    (void)e;
    if (o->name.n >= NAME_LIMIT)
        BUG("a name of %zu bytes", o->name.n);
    s->names++;
    s->letters += o->name.n;
    s->bytes += o->bytes + (uint64_t)o->written_ms;
    return RC_OK;
}

static enum rc
read_list(struct str body, const struct remote_xml *where, struct sum *out)
{
    CLEANUP(buf_release) struct buf next = BUF_INIT(MARK_LIMIT);
    struct remote_page to = {.fn = add, .arg = out, .next = &next};
    struct err e = ERR_INIT;
    enum rc rc = remote_xml_page(body, where, &to, &e);

    out->letters += next.n;
    return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct sum a = {0}, b = {0};
        enum rc once = read_list(str_of(p, n), &lists[i], &a);
        if (once != read_list(str_of(p, n), &lists[i], &b) || memcmp(&a, &b, sizeof(a)) != 0)
            BUG("two readings differ");
    }
    return 0;
}
