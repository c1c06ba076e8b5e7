command -v source > /dev/null 2>&1 || source() {
  case ${1-} in
    shipctl)
      shift;
      case "${1-} ${2-}" in
        'jdk set') shipctl "$@" > /dev/null;;
        *) shipctl "$@";;
      esac;;
    *)
      __shipctl_file=${1-};
      [ "$#" -eq 0 ] || shift;
      . "$__shipctl_file";;
  esac;
};
