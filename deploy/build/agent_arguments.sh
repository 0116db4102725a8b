# Permission flags in front are used exactly as they are: a unit spells out what it grants.
given=0
for argument in "$@"; do
  case $argument in
    --no-prompt | --ignore-env | --ignore-env=*) ;;
    --allow-all | --allow-read | --allow-write | --allow-net | --allow-env) ;;
    --allow-run | --allow-sys | --allow-ffi | --allow-import) ;;
    --allow-read=* | --allow-write=* | --allow-net=* | --allow-env=*) ;;
    --allow-run=* | --allow-sys=* | --allow-ffi=* | --allow-import=*) ;;
    --deny-*) ;;
    *) break ;;
  esac
  given=$((given + 1))
done

if [ "$given" -gt 0 ]; then
  # The program's file goes between the flags and the rest; sh can do that only by turning the list.
  rest=$(($# - given))
  while [ "$given" -gt 0 ]; do
    set -- "$@" "$1"
    shift
    given=$((given - 1))
  done
  set -- "$@" "$main"
  while [ "$rest" -gt 0 ]; do
    set -- "$@" "$1"
    shift
    rest=$((rest - 1))
  done
else
  case "${1-} ${2-}" in
    # Its flags follow from its config.
    'server --help') set -- @NO_GRANTS@ "$main" "$@" ;;
    'server '*)
      config=
      previous=
      for argument in "$@"; do
        [ "$previous" != --config ] || config=$argument
        case $argument in --config=*) config=${argument#--config=} ;; esac
        previous=$argument
      done
      # shellcheck disable=SC2086
      flags=$("$runtime/deno" $neutral @PERMISSIONS_GRANTS@ "$main" permissions ${config:+"--config=$config"}) ||
        exit
      # One per line; there may be spaces in them, and nothing in them is a pattern.
      set -f
      IFS=$newline
      # shellcheck disable=SC2086
      set -- $flags "$main" "$@"
      unset IFS
      ;;
@SUBCOMMANDS@
    # Help, the version, completion, and what is no subcommand.
    *) set -- @NO_GRANTS@ "$main" "$@" ;;
  esac
fi
