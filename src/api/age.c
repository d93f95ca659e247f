/* SPDX-License-Identifier: Apache-2.0 */
#include "api/age.h"

#include <stdio.h>

const char *
age_text(int64_t s, char to[static AGE_TEXT])
{
    int64_t m = s / 60, h = s / 3600, d = h / 24;

    if (s < 0)
        (void)snprintf(to, AGE_TEXT, "0s");
    else if (s < 120)
        (void)snprintf(to, AGE_TEXT, "%llds", (long long)s);
    else if (m < 10)
        (void)snprintf(to, AGE_TEXT, s % 60 == 0 ? "%lldm" : "%lldm%llds", (long long)m,
                       (long long)(s % 60));
    else if (m < 180)
        (void)snprintf(to, AGE_TEXT, "%lldm", (long long)m);
    else if (h < 8)
        (void)snprintf(to, AGE_TEXT, m % 60 == 0 ? "%lldh" : "%lldh%lldm", (long long)h,
                       (long long)(m % 60));
    else if (h < 48)
        (void)snprintf(to, AGE_TEXT, "%lldh", (long long)h);
    else if (d < 8)
        (void)snprintf(to, AGE_TEXT, h % 24 == 0 ? "%lldd" : "%lldd%lldh", (long long)d,
                       (long long)(h % 24));
    else if (d < 365 * 2)
        (void)snprintf(to, AGE_TEXT, "%lldd", (long long)d);
    else
        (void)snprintf(to, AGE_TEXT, "%lldy%lldd", (long long)(d / 365), (long long)(d % 365));
    return to;
}
