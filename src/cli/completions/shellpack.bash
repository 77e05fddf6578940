# Completions of shellpack for bash.

_shellpack() {
    # COMP_WORDS is cut at characters that words of ours may have, as in NAME@DIGEST and --shell=NAME.
    # What the line has no space between is one word. The part after the cursor does not count.
    local line=${COMP_LINE:0:COMP_POINT} words=() i cur reply kind
    for ((i = 0; i <= COMP_CWORD; i++)); do
        local rest=${line#"${line%%[![:blank:]]*}"} word=${COMP_WORDS[i]}
        ((i < COMP_CWORD)) || word=$rest
        if ((i > 0)) && [[ $line == "$rest" && -n $line ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        line=${rest#"$word"}
    done
    cur=${words[${#words[@]} - 1]}

    COMPREPLY=()
    reply=$(shellpack complete-words "${words[@]}" 2> /dev/null) || return
    kind=${reply%%$'\n'*}
    if [[ -n $kind ]]; then
        [[ $cur != --*=* ]] || cur=${cur#*=}
        _shellpack_files "$kind" "$cur"
        return
    fi
    [[ $reply == *$'\n'* ]] || return

    # bash replaces only the end of the word, from where it cuts.
    local cut=${cur%"$2"}
    while IFS=$'\t' read -r word _; do
        COMPREPLY+=("${word#"$cut"}")
    done <<< "${reply#*$'\n'}"
}

# _shellpack_files KIND WORD: the files of a kind that begin like a word as it was typed.
_shellpack_files() {
    local file word=$2
    case $word in
        \"* | \'*) word=${word:1} ;;
        *) word=${word//\\/} ;;
    esac
    compopt -o filenames
    while IFS= read -r file; do
        COMPREPLY+=("$file")
    done < <(compgen -d -- "$word")
    [[ $1 != directories ]] || return
    while IFS= read -r file; do
        [[ $1 == bundles && ! $file =~ \.(shellpack|run)(\.[0-9]+)?$ ]] || COMPREPLY+=("$file")
    done < <(compgen -f -- "$word")
}

complete -F _shellpack shellpack
