# The EXIT trap that an entry has set; ours stays armed and runs it after the hooks.
__shipctl_trap=

# An entry's `trap`: EXIT is kept aside. ERR cannot be reset from within a function, so that it does nothing instead.
__shipctl_set_trap() {
    if [[ "$#" -eq 2 && "$1" = -p && "$2" = EXIT ]]; then
        if [[ "$__shipctl_trap" ]]; then builtin printf 'trap -- %q EXIT\n' "$__shipctl_trap"; fi
        builtin return 0
    fi
    case "${BASH_SUBSHELL-0}:${1--p}" in
    0:--) builtin shift ;;
    0:-) ;;
    0:-* | [!0]*) builtin trap "$@"; builtin return ;;
    esac
    builtin local action=- signal status=0
    case "$#:${1-}" in
    1:*) ;;
    *:*[!0-9]* | *:) action=$1; builtin shift ;;
    esac
    for signal; do
        case "$action:$signal" in
        *:0 | *:[Ee][Xx][Ii][Tt])
            case "$action" in -) __shipctl_trap= ;; *) __shipctl_trap=$action ;; esac ;;
        -:[Ee][Rr][Rr]) builtin trap 'builtin :' ERR ;;
        -:15 | -:[Tt][Ee][Rr][Mm] | -:[Ss][Ii][Gg][Tt][Ee][Rr][Mm]) builtin trap 'builtin exit 143' TERM ;;
        -:1 | -:[Hh][Uu][Pp] | -:[Ss][Ii][Gg][Hh][Uu][Pp]) builtin trap 'builtin exit 129' HUP ;;
        -:2 | -:[Ii][Nn][Tt] | -:[Ss][Ii][Gg][Ii][Nn][Tt]) builtin trap 'builtin exit 130' INT ;;
        *) builtin trap -- "$action" "$signal" || status=$? ;;
        esac
    done
    builtin return "$status"
}
# In POSIX mode no function may be called so.
case ":${SHELLOPTS-}:" in
*:posix:*) ;;
*) trap() { __shipctl_set_trap "$@"; } ;;
esac

# Before and after an entry: `set -x` is for the entries, not for what is between them.
__shipctl_traced=
__shipctl_trace() {
    case "$__shipctl_traced" in x) __shipctl_traced=; builtin set -x ;; esac
}

# What an entry is run by: `eval`, past functions that are called so. By `builtin eval`, `set -e` would stay on.
__shipctl_choose() {
    if ! builtin declare -F command >/dev/null; then __shipctl_run=(command eval)
    elif ! builtin declare -F eval >/dev/null; then __shipctl_run=(eval)
    else __shipctl_run=(builtin eval)
    fi
}
__shipctl_choose

# After an entry: an EXIT trap that went past the function above is kept as well.
__shipctl_keep() {
    case "$-" in *x*) __shipctl_traced=x; builtin set +x ;; esac
    __shipctl_choose
    builtin local armed
    armed=$(builtin trap -p EXIT)
    if [[ "$armed" = "$__shipctl_armed" ]]; then builtin return 0; fi
    builtin eval "builtin set -- $armed"
    __shipctl_trap=${3-}
    builtin trap "$__shipctl_exit" EXIT
}

# The hooks, in a subshell: variables, functions and the working directory are there, and `exit` leaves only them.
__shipctl_hooks() {
    if [[ -z "${__shipctl_first-}" || -e "$__shipctl_cancelled" ]]; then builtin return 0; fi
    __shipctl_first=
    if [[ "$__shipctl_status" -ne 0 ]]; then
        ( __shipctl_quiet; builtin source "$__shipctl_after_failure" ) || builtin :
    elif [[ "$__shipctl_after_success" ]]; then
        ( __shipctl_quiet; builtin source "$__shipctl_after_success" ) || __shipctl_status=$?
    fi
    builtin return 0
}
__shipctl_quiet() {
    builtin trap - EXIT
    case "$__shipctl_options" in *x*) builtin set -x ;; esac
}
__shipctl_first=1

# A signal that ends bash would have the EXIT trap begin with the status of whatever came before, which may well be 0.
builtin trap 'builtin exit 143' TERM
builtin trap 'builtin exit 129' HUP
builtin trap 'builtin exit 130' INT

# Ends with the TASK's status, or the one that a hook has made of it.
__shipctl_exit='{ __shipctl_status=$? __shipctl_options=$-$__shipctl_traced; builtin set +exu; builtin trap - ERR; } 2>/dev/null
__shipctl_hooks
(builtin exit "$__shipctl_status")
builtin eval "$__shipctl_trap"
builtin exit "$__shipctl_status"'
builtin trap "$__shipctl_exit" EXIT
__shipctl_armed=$(builtin trap -p EXIT)
