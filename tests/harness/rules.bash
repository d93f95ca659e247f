# SPDX-License-Identifier: Apache-2.0
# The rules of our definitions, asked of the server of $KUBECONFIG with the samples of tests/golden/rules.

RULES=$ROOT/tests/golden/rules

rules_of_definitions() { # "KIND FIELD: MESSAGE" of every x-kubernetes-validations of ours, as the server has them
    kubectl get crd -o json | python3 -c '
import json, sys

def walk(kind, schema, path):
    for rule in schema.get("x-kubernetes-validations", []):
        field = path or "."
        print(f"{kind} {field}: " + rule["message"])
    for name, inner in schema.get("properties", {}).items():
        walk(kind, inner, f"{path}.{name}" if path else name)
    for key in "items", "additionalProperties":
        if isinstance(schema.get(key), dict):
            walk(kind, schema[key], path + "[]")

for crd in json.load(sys.stdin)["items"]:
    if crd["spec"]["group"].endswith(".appscode.com"):
        for version in crd["spec"]["versions"]:
            walk(crd["spec"]["names"]["kind"], version["schema"]["openAPIV3Schema"], "")' | sort
}

rules_of_samples() { # the same, of the samples
    local file
    for file in "$RULES"/*-invalid.yaml; do
        echo "$(sed -n 's/^kind: //p' "$file") $(sed -n '1s/^# //p' "$file")"
    done | sort
}

# judge_samples NAMESPACE: applies each in a dry run, on top of what was before; says which was judged wrongly. The caller has
# become_ready NAMESPACE FILE, for what must have been Ready.
judge_samples() {
    local file before message wrong=0 output
    for file in "$RULES"/*-invalid.yaml; do
        before=${file%-invalid.yaml}-before.yaml
        if [ -e "$before" ]; then
            kubectl apply -n "$1" --server-side -f "$before"
            ! grep -q '^status: {phase: Ready}' "$before" || become_ready "$1" "$before"
        fi
        output=$(kubectl apply -n "$1" --dry-run=server --server-side --force-conflicts -f "${file/-invalid/-valid}" 2>&1) || {
            echo "refused: ${file/-invalid/-valid}: $output"
            wrong=1
        }
        message=$(sed -n '1s/^# [^:]*: //p' "$file")
        ! output=$(kubectl apply -n "$1" --dry-run=server --server-side --force-conflicts -f "$file" 2>&1) || {
            echo "taken: $file"
            wrong=1
        }
        [[ $output == *"$message"* ]] || {
            echo "not for its rule: $file: $output"
            wrong=1
        }
    done
    return $wrong
}

# The rules of the definition that Kubernetes refuses, as the refusal names them: "items 0", "openAPIV3Schema 2".
refused_rules() {
    kubectl apply --dry-run=server -f "$RULES/refused-crd.yaml" 2>&1 |
        sed -n 's/^.*[.]\([A-Za-z0-9]*\)[.]x-kubernetes-validations.\([0-9]*\)].rule: .*/\1 \2/p' | sort -k1,1 -k2n
}

# All of that file but those that it says are fine.
rules_to_refuse() {
    awk '/items:.*rule:/ {items = 1} /- {rule:/ {if ($0 !~ /fine/) print "openAPIV3Schema " n; n++}
         BEGIN {n = 0} END {if (items) print "items 0"}' "$RULES/refused-crd.yaml" | sort -k1,1 -k2n
}
