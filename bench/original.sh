#!/usr/bin/env bash
# How the original went about a look-up, in its kindest form: a script of a few functions that bash reads at every call,
# with a pipeline for the prefix, `eval echo` for the value and jq for JSON.

prefix() {
    echo "$1" | sed -e 's/[^a-zA-Z_0-9]//g' | tr '[:lower:]' '[:upper:]'
}

get_resource_id() {
    local up
    up=$(prefix "$1")
    eval echo "\$${up}_ID"
}

get_integration_resource_field() {
    local up key
    up=$(prefix "$1")
    key=$(prefix "$2")
    eval echo "\$${up}_INTEGRATION_${key}"
}

get_resource_version_key() {
    local up meta
    up=$(prefix "$1")
    meta=$(eval echo "\$${up}_META")
    jq -r ".version.propertyBag.$2" "$meta/version.json"
}

"$@"
