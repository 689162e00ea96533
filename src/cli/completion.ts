/** `lockstep completion`: the completions for shells. */

import { FINE, WRONG_USE } from './exit-codes.ts';

/** The commands, and the options of each. */
const OPTIONS: Readonly<Record<string, string>> = {
  why: '--all --stacks --last --json --namespace --help',
  ls: '--all --watch --redis --postgres --json --namespace --help',
  ps: '--watch --json --namespace --help',
  show: '--json --namespace --help',
  run: '--permits --timeout --no-wait --namespace --quiet --help',
  doctor: '--json --help',
  clean: '--help',
  unlink: '--namespace --help',
  completion: 'bash zsh fish --help',
  help: '',
};
const COMMANDS = Object.keys(OPTIONS).join(' ');

/** Those with options, a line each. */
function eachCommand(line: (command: string, options: string) => string): string {
  return Object.entries(OPTIONS)
    .filter(([, options]) => options !== '')
    .map(([command, options]) => line(command, options))
    .join('\n');
}

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_lockstep() {
  local word="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${COMMANDS}" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${eachCommand((command, options) => `    ${command}) COMPREPLY=($(compgen -W "${options}" -- "$word")) ;;`)}
  esac
}
complete -F _lockstep -o default lockstep
`,
  // Under `eval` the function is named to the shell; as a file of its fpath it is called at once.
  zsh: `#compdef lockstep
_lockstep() {
  if (( CURRENT == 2 )); then
    compadd -- ${COMMANDS}
    return
  fi
  case "$words[2]" in
${eachCommand((command, options) => `    ${command}) [[ "$PREFIX" == -* ]] && compadd -- ${options} || _default ;;`)}
  esac
}
if [[ "$funcstack[1]" == _lockstep ]]; then _lockstep "$@"; else compdef _lockstep lockstep; fi
`,
  fish: `complete -c lockstep -f -n __fish_use_subcommand -a '${COMMANDS}'
${eachCommand((command, options) => `complete -c lockstep -n '__fish_seen_subcommand_from ${command}' -a '${options}'`)}
`,
};

export function completion(shell: string): number {
  const script = SCRIPTS[shell];
  if (script === undefined) {
    process.stderr.write(
      `lockstep: completion is there for ${Object.keys(SCRIPTS).join(', ')}, not for ${JSON.stringify(shell)}\n`,
    );
    return WRONG_USE;
  }
  process.stdout.write(script);
  return FINE;
}
