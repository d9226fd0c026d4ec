# Words for bash: subcommands and options as the program's own --help has them; else files.
_meterlens() {
  local word=${COMP_WORDS[COMP_CWORD]} words path=() i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    [[ ${COMP_WORDS[i]} == [a-z]* ]] || break
    path+=("${COMP_WORDS[i]}")
  done
  words=$(meterlens "${path[@]}" --help 2>/dev/null | awk '
    /^Subcommands:/ { inside = 1; next }
    /^[^ ]/ { inside = 0 }
    inside && /^  [a-z]/ { print $1 }
    { while (match($0, /--[a-z-]+/)) { print substr($0, RSTART, RLENGTH)
                                       $0 = substr($0, RSTART + RLENGTH) } }')
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"; compgen -f -- "$word")
}
complete -o filenames -F _meterlens meterlens
