# What `source shipctl ...` and `. shipctl ...` read. `shipctl shell-init` put the folder of this file first on the
# PATH. It must not be executable: that is why calls of shipctl pass it by and find the program.
if (unset -f source; command -v source) > /dev/null 2>&1; then
  case "${1-} ${2-}" in
    'jdk set') eval "$(shipctl "$@" || printf 'return %s' "$?")" ;;
    *) shipctl "$@" ;;
  esac
else
  # A shell without `source`, such as dash, hands no words to what it reads: they cannot be known here.
  echo 'shipctl: `.` of this shell takes a file and no words; use eval "$(shipctl jdk set NAME)"' >&2
  return 99
fi
