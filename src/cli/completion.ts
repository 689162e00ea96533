/**
 * `lockstep completion`: prints completion scripts for shells. A script gets the current names and
 * process ids from `lockstep completion --list`, which only reads.
 */

import type { Snapshot } from '../inspect/types.ts';
import { FINE, WRONG_USE } from './exit-codes.ts';

/** The facts about a command that completions need. */
interface Completed {
  readonly options: string;
  /** The list that offers its operand. */
  readonly operand?: keyof typeof LISTS;
}

const COMMANDS: Readonly<Record<string, Completed>> = {
  why: { options: '--all --over --stacks --last --json --namespace --help', operand: 'about' },
  ls: { options: '--all --watch --redis --postgres --json --namespace --help' },
  ps: { options: '--watch --json --namespace --help' },
  show: { options: '--json --namespace --help', operand: 'objects' },
  run: { options: '--permits --timeout --no-wait --namespace --quiet --help', operand: 'runs' },
  doctor: { options: '--json --help' },
  clean: { options: '--help' },
  unlink: { options: '--namespace --help', operand: 'blocks' },
  completion: { options: 'bash zsh fish --help' },
  help: { options: '' },
};

/** Reads the texts of each list from a snapshot. */
const LISTS = {
  about: (seen: Snapshot): string[] => [
    ...agentsIn(seen).map(({ pid }) => String(pid)),
    ...LISTS.objects(seen),
  ],
  objects: (seen: Snapshot): string[] => objectsIn(seen).flatMap(({ name, label }) => name ?? label ?? []),
  runs: (seen: Snapshot): string[] => namesOf(seen, ['Lock', 'BoundedSemaphore']),
  blocks: (seen: Snapshot): string[] => namesOf(seen, ['SharedMemory']),
  namespaces: ({ namespaces }: Snapshot): string[] => namespaces.flatMap(({ name }) => name ?? []),
} as const;

function agentsIn({ namespaces }: Snapshot): Snapshot['namespaces'][number]['agents'][number][] {
  return namespaces.flatMap(({ agents }) => agents);
}

function objectsIn({ namespaces }: Snapshot): Snapshot['namespaces'][number]['objects'][number][] {
  return namespaces.flatMap(({ objects }) => objects);
}

function namesOf(seen: Snapshot, kinds: readonly string[]): string[] {
  return objectsIn(seen).flatMap(({ name, kind }) => (kinds.includes(kind) ? (name ?? []) : []));
}

/** The lines that the function makes of the commands, without empty ones. */
function eachCommand(line: (command: string, about: Completed) => string): string {
  return Object.entries(COMMANDS)
    .map(([command, about]) => line(command, about))
    .filter((text) => text !== '')
    .join('\n');
}

const NAMES = Object.keys(COMMANDS).join(' ');

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_lockstep_listed() {
  local item
  while IFS= read -r item; do
    [[ "$item" == "$word"* ]] && COMPREPLY+=("$(printf %q "$item")")
  done < <("\${COMP_WORDS[0]}" completion --list "$1" 2>/dev/null)
}
_lockstep() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}"
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${NAMES}" -- "$word"))
    return
  fi
  if [[ "$before" == -n || "$before" == --namespace ]]; then
    _lockstep_listed namespaces
    return
  fi
  case "\${COMP_WORDS[1]}" in
${eachCommand((command, { options, operand }) =>
  options === ''
    ? ''
    : `    ${command}) COMPREPLY=($(compgen -W "${options}" -- "$word"))${operand === undefined ? '' : `; [[ "$word" == -* ]] || _lockstep_listed ${operand}`} ;;`,
)}
  esac
}
complete -F _lockstep -o default lockstep
`,
  // Under `eval` the function is named to the shell; as a file of its fpath it is called at once.
  zsh: `#compdef lockstep
_lockstep_listed() { compadd -- "\${(@f)$("$words[1]" completion --list "$1" 2>/dev/null)}"; }
_lockstep() {
  if (( CURRENT == 2 )); then
    compadd -- ${NAMES}
    return
  fi
  if [[ "$words[CURRENT-1]" == (-n|--namespace) ]]; then
    _lockstep_listed namespaces
    return
  fi
  case "$words[2]" in
${eachCommand((command, { options, operand }) =>
  options === ''
    ? ''
    : `    ${command}) [[ "$PREFIX" == -* ]] && compadd -- ${options} || ${operand === undefined ? '_default' : `{ _lockstep_listed ${operand}; _default }`} ;;`,
)}
  esac
}
if [[ "$funcstack[1]" == _lockstep ]]; then _lockstep "$@"; else compdef _lockstep lockstep; fi
`,
  fish: `complete -c lockstep -f -n __fish_use_subcommand -a '${NAMES}'
${eachCommand((command, { options }) =>
  options === '' ? '' : `complete -c lockstep -n '__fish_seen_subcommand_from ${command}' -a '${options}'`,
)}
${eachCommand((command, { operand }) =>
  operand === undefined
    ? ''
    : `complete -c lockstep -n '__fish_seen_subcommand_from ${command}' -a '(lockstep completion --list ${operand} 2>/dev/null)'`,
)}
complete -c lockstep -x -s n -l namespace -a '(lockstep completion --list namespaces 2>/dev/null)'
`,
};

export async function completion(
  shell: string | undefined,
  { list }: { list?: string | undefined },
): Promise<number> {
  if (list !== undefined && Object.hasOwn(LISTS, list)) return printList(list as keyof typeof LISTS);
  const script = shell === undefined ? undefined : SCRIPTS[shell];
  if (script === undefined) {
    process.stderr.write(
      `lockstep completion: unknown shell ${JSON.stringify(shell ?? list ?? '')}; pass one of ${Object.keys(SCRIPTS).join(', ')}\n`,
    );
    return WRONG_USE;
  }
  process.stdout.write(script);
  return FINE;
}

/** Prints the current texts of the list, one a line. */
async function printList(list: keyof typeof LISTS): Promise<number> {
  const { takeSnapshot } = await import('../inspect/snapshot.ts');
  // The shell reads one text a line, so leave out names with a line break.
  const texts = LISTS[list](takeSnapshot()).filter((text) => !text.includes('\n'));
  process.stdout.write([...new Set(texts)].map((text) => `${text}\n`).join(''));
  return FINE;
}
