/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_FORMAT_POLY_H
#define REPO_FORMAT_POLY_H

/*
 * repo/format/poly -- the polynomial over GF(2) that makes one repository cut where another does
 * not.
 *
 * Shape    bit i of the word is the coefficient of x^i; a usable one has degree POLY_DEGREE.
 * Source   Rabin, "Fingerprinting by Random Polynomials"; Ben-Or's test of irreducibility.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { POLY_DEGREE = 53 };

/* Degree POLY_DEGREE and irreducible? */
bool poly_is_good(uint64_t poly);

/* A random good one. */
uint64_t poly_random(void);

/* a mod m; m != 0. */
uint64_t poly_mod(uint64_t a, uint64_t m);

/* Hex digits without prefix or padding. RC_CORRUPT: not hex, or not a good polynomial. */
NODISCARD enum rc poly_parse(struct str text, uint64_t *out, struct err *e);

#endif
