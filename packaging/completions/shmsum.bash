# shmsum.bash - what bash offers for the command line of shmsum.

_shmsum() {
    local current=${COMP_WORDS[COMP_CWORD]} option='' words=''
    # bash takes --option=value for three words, or two while the value is missing
    if [[ $current == '=' ]]; then
        option=${COMP_WORDS[COMP_CWORD - 1]} current=''
    elif ((COMP_CWORD >= 2)) && [[ ${COMP_WORDS[COMP_CWORD - 1]} == '=' ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    elif ((COMP_CWORD >= 1)); then
        option=${COMP_WORDS[COMP_CWORD - 1]}
        [[ $option == --progress ]] && option='' # its value is optional: behind '=' only
    fi
    case $option in
    -o | --output | --trace) ;;
    --format) words='text json' ;;
    --blank-lines) words='end zero skip' ;;
    --prompt | --color | --progress) words='auto always never' ;;
    --sandbox) words='auto require off' ;;
    --max-errors | --slots | --slot-bytes)
        COMPREPLY=()
        return
        ;;
    *)
        if [[ $current == -* ]]; then
            words='-o --output= --format= --append --fsync --decimal-comma --blank-lines=
                --prompt= --color= --progress --max-errors= --stats --explain --trace= --slots= --slot-bytes=
                --sandbox= --help --version'
        fi
        ;;
    esac
    if [[ -n $words ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
        [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        compopt -o filenames 2>/dev/null
    fi
    return 0
}
complete -F _shmsum shmsum
