# bash completion for socweave. Options and choices are read from the program's own help, so they
# cannot drift from it.
_socweave() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} program=${COMP_WORDS[0]}
    local command=${COMP_WORDS[1]}
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        local commands
        commands=$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z]\{2,\}\)  .*/\1/p')
        COMPREPLY=($(compgen -W "$commands --help --version" -- "$cur"))
        return
    fi
    local help choices
    help=$("$program" "$command" --help 2>/dev/null)
    choices=$(printf '%s\n' "$help" | sed -n "s/^  $prev [A-Z].*: \([a-z|0-9-]*\).*/\1/p" | tr '|' ' ')
    case $prev in
    --mapper) choices=$("$program" explore --mapper list 2>/dev/null | sed -n 's/^\([a-z][a-z0-9-]*\) .*/\1/p') ;;
    esac
    if [ -n "$choices" ]; then
        COMPREPLY=($(compgen -W "$choices" -- "$cur"))
    elif [ "${cur#-}" != "$cur" ]; then
        COMPREPLY=($(compgen -W "$(printf '%s\n' "$help" | sed -n 's/^  \(--[a-z-]*\) .*/\1/p')" -- "$cur"))
    else
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -F _socweave socweave
