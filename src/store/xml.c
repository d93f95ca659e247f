/* SPDX-License-Identifier: Apache-2.0 */
#include "store/xml.h"

#include <expat.h>

#include "base/buf.h"

enum { DEPTH_MAX = 16, PATH_MAX_BYTES = 512, TEXT_MAX = 64 * 1024, STEP = 1 << 20 };

struct reader {
    XML_Parser parser;
    xml_fn *fn;
    void *arg;
    char path[PATH_MAX_BYTES];
    size_t ends[DEPTH_MAX]; /* of the path, before each element */
    size_t depth, n;
    struct buf text;
    bool failed;
    struct err err;
};

static void
xml_stop(struct reader *r)
{
    r->failed = true;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

static void
xml_begin(void *arg, const char *name, const char **attributes)
{
    struct reader *r = (struct reader *)arg;
    const char *colon = strchr(name, ':');
    size_t len;

    (void)attributes;
    name = colon != NULL ? colon + 1 : name;
    len = strlen(name);
    if (r->depth == DEPTH_MAX || r->n + len + 2 > sizeof(r->path)) {
        (void)err_set(&r->err, RC_CORRUPT, "its elements are nested too deep");
        xml_stop(r);
        return;
    }
    r->ends[r->depth++] = r->n;
    if (r->n > 0)
        r->path[r->n++] = '/';
    memcpy(r->path + r->n, name, len + 1);
    r->n += len;
    buf_reset(&r->text);
}

static void
xml_end(void *arg, const char *name)
{
    struct reader *r = (struct reader *)arg;

    (void)name;
    if (r->failed)
        return;
    if (r->fn(r->arg, r->path, buf_str(&r->text), &r->err))
        xml_stop(r);
    r->n = r->ends[--r->depth];
    r->path[r->n] = '\0';
    buf_reset(&r->text);
}

static void
xml_text(void *arg, const char *p, int n)
{
    struct reader *r = (struct reader *)arg;

    if (r->failed || buf_add(&r->text, p, (size_t)n, &r->err) == RC_OK)
        return;
    (void)err_set(&r->err, RC_CORRUPT, "an element's text is too long");
    xml_stop(r);
}

/* Entities could make a small document large. */
static void
xml_doctype(void *arg, const char *name, const char *system, const char *public, int has_subset)
{
    struct reader *r = (struct reader *)arg;

    (void)name;
    (void)system;
    (void)public;
    (void)has_subset;
    (void)err_set(&r->err, RC_CORRUPT, "it has a document type");
    xml_stop(r);
}

enum rc
xml_read(struct str document, xml_fn *fn, void *arg, struct err *e)
{
    struct reader r = {.fn = fn, .arg = arg, .text = BUF_INIT(TEXT_MAX), .err = ERR_INIT};
    enum XML_Status status = XML_STATUS_OK;

    r.parser = XML_ParserCreate(NULL);
    if (r.parser == NULL)
        BUG("the XML library is out of memory");
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, xml_begin, xml_end);
    XML_SetCharacterDataHandler(r.parser, xml_text);
    XML_SetStartDoctypeDeclHandler(r.parser, xml_doctype);
    for (size_t at = 0; at <= document.n && status == XML_STATUS_OK; at += STEP) {
        size_t n = MIN(document.n - at, (size_t)STEP);
        status = XML_Parse(r.parser, n > 0 ? (const char *)document.p + at : "", (int)n,
                           at + STEP > document.n);
    }
    if (status != XML_STATUS_OK && !r.failed)
        (void)err_set(&r.err, RC_CORRUPT, "it is not XML: %s at byte %ld",
                      XML_ErrorString(XML_GetErrorCode(r.parser)),
                      (long)XML_GetCurrentByteIndex(r.parser));
    XML_ParserFree(r.parser);
    buf_release(&r.text);
    if (status == XML_STATUS_OK)
        return RC_OK;
    *e = r.err;
    return err_code(e);
}
