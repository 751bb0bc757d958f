/** What a shell has to be told once, so that it asks `lockd complete` for every word. */

const bash = `# bash completion for lockd: eval "$(lockd completion bash)" in ~/.bashrc
_lockd() {
  local line first=1 program=lockd
  type -P "$program" >/dev/null || program="\${COMP_WORDS[0]}"
  COMPREPLY=()
  while IFS= read -r line; do
    if [ -z "$first" ]; then
      COMPREPLY+=("$line")
    else
      first=
      case "$line" in
        files) compopt -o default -o filenames 2>/dev/null ;;
        nospace) compopt -o nospace 2>/dev/null ;;
      esac
    fi
  done < <("$program" complete bash "\${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
}
complete -F _lockd lockd
`;

const zsh = `#compdef lockd
# zsh completion for lockd: eval "$(lockd completion zsh)" in ~/.zshrc, after compinit
_lockd() {
  local line directive
  local -a lines values shown space
  lines=("\${(@f)$(lockd complete zsh "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  directive="\${lines[1]}"
  shift lines
  if [[ "$directive" == files ]]; then
    [[ "$PREFIX" == --*=* ]] && compset -P '*='
    _files
    return
  fi
  for line in "\${lines[@]}"; do
    [[ -n "$line" ]] || continue
    values+=("\${line%%$'\\t'*}")
    shown+=("\${line/$'\\t'/  -- }")
  done
  [[ "$directive" == nospace ]] && space=(-S '')
  compadd "\${space[@]}" -l -d shown -a values
}
compdef _lockd lockd
`;

const fish = `# fish completion for lockd:
# lockd completion fish >~/.config/fish/completions/lockd.fish
function __lockd_complete
    set -l words (commandline -opc)
    set -l lines (lockd complete fish $words[2..-1] (commandline -ct) 2>/dev/null)
    if test "$lines[1]" = files
        set -l typed (string replace -r '^--[a-z-]+=' '' -- (commandline -ct))
        __fish_complete_path $typed
    else
        printf '%s\\n' $lines[2..-1]
    end
end
complete -c lockd -f -a '(__lockd_complete)'
`;

export const completionScripts = { bash, zsh, fish } as const;
