/**
 * Arguments: distinguishes programs of the same script by their command lines. Any process of the
 * same user can read those. But the output may be copied into a report, so `…` replaces values that
 * look like secrets.
 */

import { readCommand } from './tasks.ts';
import type { AgentSnapshot, NamespaceSnapshot } from './types.ts';

/** Most characters that are shown. */
const SHOWN = 40;

/** Sets `args` of programs that run the same script with different arguments. */
export function noteArguments(namespaces: readonly NamespaceSnapshot[]): void {
  const byScript = new Map<string, AgentSnapshot[]>();
  for (const agent of namespaces.flatMap(({ agents }) => agents)) {
    // A child shows its target instead: its command line is Lockstep's own.
    if (agent.target !== '' || agent.script === '' || agent.life === 'dead') continue;
    const same = byScript.get(agent.script) ?? [];
    same.push(agent);
    byScript.set(agent.script, same);
  }
  for (const [script, agents] of byScript) {
    const pids = new Set(agents.map(({ pid }) => pid));
    if (pids.size < 2) continue;
    const argsOf = new Map([...pids].map((pid) => [pid, argumentsOf(readCommand(pid), script)]));
    if (new Set(argsOf.values()).size < 2) continue;
    for (const agent of agents) (agent as { args: string }).args = argsOf.get(agent.pid)!;
  }
}

/** The arguments after the script, without secrets; empty if the command lacks the script. */
export function argumentsOf(command: readonly string[], script: string): string {
  const file = script.slice(script.lastIndexOf('/') + 1).replace(/\.[cm]?[jt]s$/, '');
  const at = command.findIndex(
    (part, index) => index > 0 && file !== '' && part.split('/').at(-1)!.startsWith(file),
  );
  const text = at < 0 ? '' : withoutSecrets(command.slice(at + 1)).join(' ');
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

const SECRET = /pass|secret|token|key|auth|credential/i;

function withoutSecrets(args: readonly string[]): string[] {
  return args.map((arg, index) => {
    const before = args[index - 1] ?? '';
    // The value of `--token VALUE`.
    if (before.startsWith('-') && !before.includes('=') && SECRET.test(before) && !arg.startsWith('-'))
      return '…';
    // `--token=VALUE` and `TOKEN=VALUE`.
    const [name = ''] = arg.split('=');
    if (arg.includes('=') && SECRET.test(name)) return `${name}=…`;
    // `postgres://user:password@host`.
    return arg.replace(/(:\/\/)[^/@\s]*@/, '$1…@');
  });
}
