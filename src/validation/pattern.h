/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_PATTERN_H
#define VALIDATION_PATTERN_H

/*
 * validation/pattern -- regular expressions of schemas and rules.
 *
 * Shape    the RE2 that definitions use, run by the C library's POSIX one: \d, \w, \s, \b classes
 *          and (?: groups are rewritten; lazy quantifiers and the rarer classes are PATTERN_BAD.
 */
enum pattern_result { PATTERN_MATCHES, PATTERN_DIFFERS, PATTERN_BAD };

/* Is the pattern found anywhere in `text`? */
enum pattern_result pattern_match(const char *pattern, const char *text);

#endif
