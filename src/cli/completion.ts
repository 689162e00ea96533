/** `lockstep completion`: the completions for shells. */

import { FINE, WRONG_USE } from './exit-codes.ts';

const COMMANDS = 'why ls ps show run doctor clean unlink completion help';

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_lockstep() {
  local word="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${COMMANDS}" -- "$word"))
  else
    COMPREPLY=($(compgen -W "--json --namespace --all --stacks --last --watch --help" -- "$word"))
  fi
}
complete -F _lockstep -o default lockstep
`,
  zsh: `#compdef lockstep
_arguments '1:command:(${COMMANDS})' '*:option:(--json --namespace --all --stacks --last --watch --help)'
`,
  fish: `complete -c lockstep -f -n __fish_use_subcommand -a '${COMMANDS}'
complete -c lockstep -l json -l namespace -l all -l stacks -l last -l watch
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
