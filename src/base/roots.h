/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ROOTS_H
#define BASE_ROOTS_H

/*
 * base/roots -- the file of certificates that this system trusts.
 *
 * Why      the libraries know the one of the system that they were built on; a package runs on others.
 * Answer   $SSL_CERT_FILE, as OpenSSL and Go take it, else the first of the known places that is there, else NULL. Borrowed for
 *          as long as the process lives. The environment is read: not while another thread changes it.
 */
const char *roots_file(void);

#endif
