/**
 * Arguments: tells programs of the same script apart, by their command lines. Any process of the
 * same user can read those. But the output may be copied into a report, so values that look like
 * secrets are left out.
 */

import { readCommand } from './tasks.ts';
import type { AgentSnapshot, NamespaceSnapshot } from './types.ts';

/** Characters that are shown. */
const SHOWN = 40;

/** Notes the arguments of programs whose scripts coincide. */
export function noteArguments(namespaces: readonly NamespaceSnapshot[]): void {
  const byScript = new Map<string, AgentSnapshot[]>();
  for (const agent of namespaces.flatMap(({ agents }) => agents)) {
    // A child runs a target; its command line has nothing that its user knows.
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

/** The arguments after the script, without secrets; empty where the script is not found. */
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
