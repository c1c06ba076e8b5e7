# shellcheck shell=bash
# Look-ups as the original went about them: names by awk and sed in subshells, values by eval, JSON by cat and jq.

to_uppercase() {
    echo "$1" | awk '{print toupper($0)}'
}

sanitize_shippable_string() {
    # shellcheck disable=SC2001 # sed is what is measured
    echo "$1" | sed 's/[^a-zA-Z_0-9]//g'
}

get_resource_name() {
    local upper
    upper=$(to_uppercase "$1")
    sanitize_shippable_string "$upper"
}

get_resource_id() {
    local up
    up=$(get_resource_name "$1")
    eval echo "\$${up}_ID"
}

get_resource_meta() {
    local up
    up=$(get_resource_name "$1")
    eval echo "\$${up}_META"
}

get_integration_resource_field() {
    local up key
    up=$(get_resource_name "$1")
    key=$(get_resource_name "$2")
    eval echo "\$${up}_INTEGRATION_${key}"
}

get_resource_version_key() {
    local meta
    meta=$(get_resource_meta "$1")
    # shellcheck disable=SC2002 # cat is what is measured
    cat "$meta/version.json" | jq -r ".version.propertyBag.$2"
}
