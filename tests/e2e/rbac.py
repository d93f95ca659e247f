#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rbac.py unused|refused AUDIT_LOG <OBJECTS

What the roles among OBJECTS (a List) grant and no request needed; which requests of ours were refused. AUDIT_LOG is what
the API server wrote at the level Metadata: a line per request, with the role that let it pass."""
import json
import re
import sys

# Roles that the operator makes, one or two per invoker: src/operator/rbac.c.
MADE = "(made by the operator)"
GRANTS = {(MADE, "", "secrets", "get"), (MADE, "stash.appscode.com", "repositories", "get"),
          (MADE, "stash.appscode.com", "repositories/status", "update"), (MADE, "", "pods/exec", "get")}
# What the operator has only because nobody can give what he has not.
GIVEN_ON = {("cstash-operator-accounts", "", "pods/exec", "get")}


def leaves_no_line(resource, verb):
    """Asked for while another request is judged: by admission; by Kubernetes 1.35 and later when a get wants a stream."""
    return verb == "bind" or resource.endswith("/finalizers") or (resource, verb) == ("pods/exec", "create")


def granted(roles):
    for role in roles:
        for rule in role["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for verb in rule["verbs"]:
                        if not leaves_no_line(resource, verb):
                            yield role["metadata"]["name"], group, resource, verb


def used(events, names):
    for e in events:
        role = re.search(r' of (?:Cluster)?Role "(.*?)"', e.get("annotations", {}).get("authorization.k8s.io/reason", ""))
        if role and e["responseStatus"]["code"] != 403:
            role = role[1] if role[1] in names else MADE
            what = role, e["objectRef"].get("apiGroup", ""), resource(e)
            yield *what, e["verb"]
            if e["verb"] == "patch" and e["responseStatus"]["code"] == 201:  # server-side apply of what was not there
                yield *what, "create"


def resource(event):
    ref = event["objectRef"]
    return ref["resource"] + ("/" + ref["subresource"] if "subresource" in ref else "")


def refused(events):
    """A server that has just started has not read all roles and bindings: it refuses what it allowed before, and is asked again."""
    allowed = set()
    for e in events:
        why = e["responseStatus"].get("message", "")
        what = e["user"]["username"].removeprefix("system:serviceaccount:"), e["verb"], resource(e)
        if e["responseStatus"]["code"] != 403:
            allowed.add((*what, e["objectRef"].get("namespace")))
        elif "being terminated" not in why and not ("RBAC: " in why and "not found" in why) \
                and (*what, e["objectRef"].get("namespace")) not in allowed:
            yield *what, why


def people(role):
    return any("aggregate-to" in label for label in role["metadata"].get("labels", {}))


with open(sys.argv[2]) as log:
    ours = [e for e in map(json.loads, log) if e.get("userAgent", "").startswith("cstash/") and {"objectRef", "responseStatus"} <= e.keys()]
if sys.argv[1] == "refused":
    found = set(refused(ours))
else:
    roles = [o for o in json.load(sys.stdin)["items"] if o["kind"] in ("Role", "ClusterRole") and not people(o)]
    found = GRANTS.union(granted(roles)) - GIVEN_ON.union(used(ours, {r["metadata"]["name"] for r in roles}))
for line in sorted(found):
    print(*(part or "core" for part in line))
