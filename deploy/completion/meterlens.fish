# Words for fish: subcommands and options as the program's own --help has them; files as ever.
function __meterlens_words
    set -l before
    for word in (commandline -opc)[2..-1]
        string match -qr '^[a-z]' -- $word; or break
        set -a before $word
    end
    meterlens $before --help 2>/dev/null | awk '
        /^Subcommands:/ { inside = 1; next }
        /^[^ ]/ { inside = 0 }
        inside && /^  [a-z]/ { print $1 }
        { while (match($0, /--[a-z-]+/)) { print substr($0, RSTART, RLENGTH)
                                           $0 = substr($0, RSTART + RLENGTH) } }'
end
complete -c meterlens -a '(__meterlens_words)'
