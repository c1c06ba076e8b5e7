shipctl() {
  case "${1-} ${2-}" in
    'jdk set')
      __shipctl_code=$(@PROGRAM@ "$@") || return;
      eval "$__shipctl_code";
      printf '%s\n' "$__shipctl_code";
      unset __shipctl_code;;
    *) @PROGRAM@ "$@";;
  esac;
};
