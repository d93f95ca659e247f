/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_PATTERN_H
#define VALIDATION_PATTERN_H

/*
 * validation/pattern -- regular expressions of schemas and rules: those of RE2, which clusters have.
 *
 * Shape    run by PCRE2 within bounds. It backtracks, and RE2 does not, so that a pattern may take
 *          for ever here that is quick there: then it is PATTERN_LIMIT, and whoever asks refuses
 *          the object.
 * Bad      what RE2 has not: look-around, back-references, atomic groups, possessive quantifiers,
 *          conditions, recursion, callouts, verbs; repetitions of more than 1,000.
 * Source   google/re2 wiki "Syntax"; pcre2pattern(3), pcre2api(3).
 */
enum pattern_result { PATTERN_MATCHES, PATTERN_DIFFERS, PATTERN_BAD, PATTERN_LIMIT };

/* Is the pattern found anywhere in `text`? Both UTF-8. */
enum pattern_result pattern_match(const char *pattern, const char *text);

#endif
