# Completions of shellpack for fish.

function __shellpack_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l lines (command shellpack complete-words $words "$current" 2> /dev/null)
    or return

    set -l files (complete --do-complete "__fish_command_without_completions $current")
    switch "$lines[1]"
        case bundles
            string match --regex -- '^.*(?:/|\.(?:shellpack|run)(?:\.[0-9]+)?)(?:\t.*)?$' $files
        case files
            string join \n -- $files
        case directories
            string match --regex -- '^.*/(?:\t.*)?$' $files
        case '*'
            string join \n -- $lines[2..]
    end
end

complete --command shellpack --no-files --keep-order --arguments '(__shellpack_complete)'
