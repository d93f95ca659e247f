/* SPDX-License-Identifier: Apache-2.0 */
#include "base/roots.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/compiler.h"

const char *
roots_file(void)
{
    static const char *const known[] = {
        "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Arch, Gentoo */
        "/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora, RHEL 7 and later */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora since 43 */
        "/etc/ssl/ca-bundle.pem",                            /* SUSE */
        "/etc/ssl/cert.pem",                                 /* Alpine */
    };
    const char *given = getenv("SSL_CERT_FILE");

    if (given != NULL && given[0] != '\0')
        return given;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (access(known[i], R_OK) == 0)
            return known[i];
    }
    return NULL;
}
