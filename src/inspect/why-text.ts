/** WhyText: findings as sentences and trees. */

import { doing, title, tree, wanted } from './branch-text.ts';
import type {
  Branch,
  Deadlock,
  Finding,
  Findings,
  Keeper,
  Member,
  NobodyLeft,
  ObjectRef,
} from './finding-types.ts';
import { tellOpen } from './open-text.ts';
import { flatten } from './waits-behind.ts';
import type { Paint } from './words.ts';
import { count, duration, PLAIN, shortName } from './words.ts';

export interface WhyOptions {
  readonly paint?: Paint | undefined;
  /** Milliseconds after which waits were reported. */
  readonly least?: number | undefined;
  /** Whether waits that a thread may still end are listed beside findings, too. */
  readonly all?: boolean | undefined;
}

/** The findings, one paragraph each. */
export function explain({ findings, open, work, unwanted }: Findings, options: WhyOptions = {}): string {
  const { paint = PLAIN, least = 1000, all = false } = options;
  const parts: string[] = [];
  const shown = all || findings.length === 0 ? open : [];
  if (findings.length === 0)
    parts.push(shown.length === 0 ? 'Nothing keeps anybody waiting.' : 'Nothing is stuck for certain.');
  else {
    const verb = findings.length === 1 ? 'thing keeps' : 'things keep';
    const limit =
      findings.every(({ kind }) => kind === 'keeper') && least > 0 ? ` for over ${duration(least)}` : '';
    parts.push(`${findings.length} ${verb} others waiting${limit}:`);
  }
  for (const [index, finding] of findings.entries()) {
    const lines = tell(finding, paint);
    parts.push(
      lines
        .map((line, at) => (at === 0 ? `${index + 1}  ${line}` : line === '' ? '' : `   ${line}`))
        .join('\n'),
    );
  }
  if (shown.length > 0) parts.push(tellOpen(shown));
  const rest = leftOut(shown.length > 0 ? {} : work, unwanted);
  if (rest !== '') parts.push(paint.dim(rest));
  return `${parts.join('\n\n')}\n`;
}

function tell(finding: Finding, paint: Paint): string[] {
  if (finding.kind === 'deadlock') return tellDeadlock(finding, paint);
  return finding.kind === 'nobody' ? tellNobody(finding, paint) : tellKeeper(finding, paint);
}

function tellDeadlock({ certain, members, ignored, behind, lasted }: Deadlock, paint: Paint): string[] {
  const lines: string[] = [];
  const [first] = members;
  if (members.length === 1) {
    const what = first!.waitsFor?.title ?? 'itself';
    lines.push(
      `${paint.bad('A deadlock')}: ${shortName(first!)} waits for ${title(what)}, which it holds itself, for ${duration(lasted)}.`,
    );
  } else {
    const ever = certain ? ' forever' : '';
    lines.push(
      `${paint.bad('A deadlock')}: ${members.length} threads wait for each other${ever}, for ${duration(lasted)} so far.`,
    );
    const width = Math.max(...members.map((member) => shortName(member).length));
    for (const member of members) {
      const holds = member.holds.filter((each) =>
        members.some(({ waitsFor }) => waitsFor?.cell === each.cell && waitsFor.folder === each.folder),
      );
      const held = holds.length === 0 ? '' : `holds ${holds.map((each) => title(each.title)).join(', ')}, `;
      lines.push(`${shortName(member).padEnd(width)}  ${held}waits for ${wanted(member)}`);
    }
  }
  if (ignored.length > 0) {
    const made = ignored.map((each) => title(each.title)).join(', ');
    lines.push(
      `No call throws a DeadlockError, as ${made} ${ignored.length === 1 ? 'was' : 'were'} made with deadlock: 'ignore'.`,
    );
    if (!certain)
      lines.push('Another thread that has one of these locks open could still release it for its holder.');
  }
  lines.push(...tree(behind, paint));
  const locks = members.every(({ waitsFor }) => waitsFor !== null);
  const advice = locks && members.length > 1 ? 'Take them in the same order everywhere. ' : '';
  lines.push(
    `${advice}To end it now: ${paint.strong(`kill ${[...new Set(members.map(({ pid }) => pid))][0]}`)}`,
  );
  return lines;
}

function tellNobody({ object, ending, named, waiters, others }: NobodyLeft, paint: Paint): string[] {
  const namespace = waiters[0]?.member.namespace;
  const where = namespace === null || namespace === undefined ? '' : ` (namespace ${namespace})`;
  const lines = [`${paint.bad('Nobody is left')} who could ${ending} ${title(object.title)}${where}.`];
  const open = waiters.length + others.length;
  const all =
    waiters.length === 1 ? 'which waits for it' : open === 2 ? 'and both wait for it' : 'and all wait for it';
  if (others.length === 0) lines.push(`It is open in ${count(open, 'thread')}, ${all}:`);
  else
    lines.push(
      `It is open in ${count(open, 'thread')}: ${waiters.length} ${waiters.length === 1 ? 'waits' : 'wait'} for it, ${others.length === 1 ? 'the other is' : 'the others are'} stuck, too:`,
    );
  lines.push(...tree(waiters, paint, false));
  for (const other of others) lines.push(`   ${shortName(other)} waits for ${wanted(other)}`);
  if (named) lines.push('A program that opens it by its name could still do it.');
  return lines;
}

function tellKeeper({ by, behind, calls, lasted }: Keeper, paint: Paint): string[] {
  const wantedRefs = new Set(behind.map(({ object }) => object?.title).filter((each) => each !== undefined));
  const held = [...wantedRefs].map(title).join(', ');
  const holds = held === '' ? '' : `holds ${held} and `;
  return [
    `${paint.strong(shortName(by))} ${holds}${doing(by)}.`,
    `${count(calls, 'call')} ${calls === 1 ? 'waits' : 'wait'}, the longest for ${duration(lasted)}:`,
    ...tree(behind, paint),
    ...possibleCircle(by, behind),
    ...advice(by, paint),
  ];
}

/**
 * Text on an event loop that awaits an object which a thread behind it holds. Only other code of
 * that loop can end this.
 */
function possibleCircle({ pid, alsoAwaits }: Member, behind: readonly Branch[]): string[] {
  const members = flatten(behind).map(({ member }) => member);
  const holds = (member: Member, { folder, cell }: ObjectRef): boolean =>
    member.holds.some((each) => each.folder === folder && each.cell === cell);
  return alsoAwaits.flatMap((awaited) => {
    const holder = members.find((member) => holds(member, awaited));
    if (holder === undefined) return [];
    return [
      `They wait for each other: ${shortName(holder)} holds ${title(awaited.title)}, which ${pid} awaits.`,
      `It is a deadlock unless other code in the event loop of ${pid} lets go.`,
    ];
  });
}

function advice({ state, pid }: Member, paint: Paint): string[] {
  if (state === 'dead') return [];
  if (state === 'stopped') return [`To let it go on: ${paint.strong(`kill -CONT ${pid}`)}`];
  const see =
    state === 'busy'
      ? [`To see what it runs: ${paint.strong(`kill -USR1 ${pid}`)} opens its debugger.`]
      : state === 'idle'
        ? ['Its code awaits something else: a request, a timer, a file or another promise.']
        : [];
  return [
    ...see,
    `To end it: ${paint.strong(`kill ${pid}`)}; its locks then pass on, with recovered = true.`,
  ];
}

function leftOut(work: Readonly<Record<string, number>>, unwanted: number): string {
  const parts: string[] = [];
  const calls = Object.values(work).reduce((sum, each) => sum + each, 0);
  if (calls > 0) {
    const shown = Object.entries(work)
      .slice(0, 4)
      .map(([what, number]) => `${number} ${title(what)}`);
    const more = Object.keys(work).length > 4 ? ', …' : '';
    parts.push(
      `${count(calls, 'call')} that ${calls === 1 ? 'waits' : 'wait'} for what a thread may still bring (${shown.join(', ')}${more})`,
    );
  }
  if (unwanted > 0)
    parts.push(`${count(unwanted, 'object')} that ${unwanted === 1 ? 'is' : 'are'} held and not waited for`);
  return parts.length === 0 ? '' : `Left out: ${parts.join(', ')}.`;
}
