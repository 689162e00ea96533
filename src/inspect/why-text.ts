/** WhyText: findings as sentences and trees. */

import { advice, orphans, possibleCircle } from './advice-text.ts';
import { doing, howLong, title, tree, wanted } from './branch-text.ts';
import { tellChildren } from './child-text.ts';
import type {
  Branch,
  ChildWait,
  Deadlock,
  Finding,
  Findings,
  Keeper,
  Member,
  NobodyLeft,
  OpenWait,
  PoolWait,
} from './finding-types.ts';
import { comeText, tellOpen } from './open-text.ts';
import { tellPools } from './pool-text.ts';
import { flatten } from './waits-behind.ts';
import type { Paint } from './words.ts';
import { count, duration, listed, PLAIN, shortName } from './words.ts';

export interface WhyOptions {
  readonly paint?: Paint | undefined;
  /** Milliseconds after which waits were reported. */
  readonly least?: number | undefined;
  /** Whether waits that a thread may still end are listed beside findings, too. */
  readonly all?: boolean | undefined;
}

/** The findings, one paragraph each. */
export function explain(found: Findings, options: WhyOptions = {}): string {
  const { paint = PLAIN, least = 1000, all = false } = options;
  const { findings, unwanted, brief } = found;
  const parts: string[] = [];
  const shown = shownOpen(found, all);
  const pools = shownPools(found, all);
  const children = shownChildren(found, all);
  if (findings.length === 0) {
    const limit = brief > 0 ? ` for over ${duration(least)}` : '';
    if (shown.length + pools.length + children.length === 0)
      parts.push(`Nothing keeps anybody waiting${limit}.`);
  } else {
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
  if (shown.length > 0) parts.push(tellOpen(shown, headOfOpen(shown, findings.length === 0)));
  if (pools.length > 0) {
    const alone = findings.length + shown.length === 0 ? 'No deadlock. ' : '';
    parts.push(tellPools(pools, `${alone}These pools are at work:`, paint));
  }
  if (children.length > 0) {
    const alone = findings.length + shown.length + pools.length === 0 ? 'No deadlock. ' : '';
    parts.push(tellChildren(children, `${alone}These children are awaited:`, paint));
  }
  const rest = [...notShown(found, shown, pools, least), ...others(unwanted)];
  if (rest.length > 0) parts.push(paint.dim(rest.join('\n')));
  return `${parts.join('\n\n')}\n`;
}

/**
 * The open waits that are reported: beside findings only those for what the waiting thread holds
 * itself, unless all are asked for.
 */
export function shownOpen({ findings, open }: Findings, all = false): readonly OpenWait[] {
  return all || findings.length === 0 ? open : open.filter(({ heldByItself }) => heldByItself);
}

/** The pools that are reported: beside findings only if all are asked for. */
export function shownPools({ findings, pools }: Findings, all = false): readonly PoolWait[] {
  return all || findings.length === 0 ? pools : [];
}

/** The waits for children that are reported: as with pools. */
export function shownChildren({ findings, children }: Findings, all = false): readonly ChildWait[] {
  return all || findings.length === 0 ? children : [];
}

function headOfOpen(shown: readonly OpenWait[], alone: boolean): string {
  const ends = flatten(shown.flatMap(({ waiters }) => waiters)).every(({ timed }) => timed);
  if (ends)
    return alone
      ? 'No deadlock. These calls wait, and may give up by themselves:'
      : 'These calls may give up by themselves:';
  const what = 'if no thread does what they wait for:';
  const certain = shown.some(({ heldByItself }) => heldByItself) ? 'certain ' : '';
  return alone
    ? `No ${certain}deadlock. But these calls may wait forever, ${what}`
    : `These calls may wait forever, ${what}`;
}

function tell(finding: Finding, paint: Paint): string[] {
  switch (finding.kind) {
    case 'deadlock':
      return [
        ...tellDeadlock(finding, paint),
        ...orphans([...finding.members, ...behind(finding.behind)], paint),
      ];
    case 'nobody':
      return [
        ...tellNobody(finding, paint),
        ...orphans([...finding.others, ...behind(finding.waiters)], paint),
      ];
    default:
      return [...tellKeeper(finding, paint), ...orphans([finding.by, ...behind(finding.behind)], paint)];
  }
}

function behind(branches: readonly Branch[]): Member[] {
  return flatten(branches).map(({ member }) => member);
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
    const made = listed(ignored.map((each) => title(each.title)));
    lines.push(
      `No call throws a DeadlockError, as ${made} ${ignored.length === 1 ? 'was' : 'were'} made with deadlock: 'ignore'.`,
    );
    if (!certain) lines.push('Not certain: a third thread could release one of them.');
  }
  lines.push(...tree(behind, paint));
  const locks = members.every(({ waitsFor }) => waitsFor !== null);
  const advice = locks && members.length > 1 ? 'Take them in the same order everywhere. ' : '';
  lines.push(
    `${advice}To end it now: ${paint.strong(`kill ${[...new Set(members.map(({ pid }) => pid))][0]}`)}`,
  );
  return lines;
}

function tellNobody(found: NobodyLeft, paint: Paint): string[] {
  const { object, ending, named, state, waiters, others } = found;
  const namespace = waiters[0]?.member.namespace;
  const where = namespace === null || namespace === undefined ? '' : ` (namespace ${namespace})`;
  const lines = [`${paint.bad('Nobody is left')} who could ${ending} ${title(object.title)}${where}.`];
  const come = comeText(state);
  if (come !== '') lines.push(come);
  const open = waiters.length + others.length;
  const all =
    waiters.length === 1 ? 'which waits for it' : open === 2 ? 'and both wait for it' : 'and all wait for it';
  if (others.length === 0) lines.push(`It is open in ${count(open, 'thread')}, ${all}:`);
  else
    lines.push(
      `It is open in ${count(open, 'thread')}: ${waiters.length} ${waiters.length === 1 ? 'waits' : 'wait'} for it, ${others.length === 1 ? 'the other is' : 'the others are'} stuck, too:`,
    );
  lines.push(...tree(waiters, paint, false));
  // Leave out threads that the tree shows already.
  const behind = new Set(flatten(waiters).map(({ member }) => member));
  for (const other of others.filter((each) => !behind.has(each)))
    lines.push(`   ${shortName(other)} waits for ${wanted(other)}`);
  if (named) lines.push('A program that opens it by its name could still do it.');
  return lines;
}

function tellKeeper({ by, behind, children, calls, lasted }: Keeper, paint: Paint): string[] {
  const circle = possibleCircle(by, behind);
  const wantedRefs = new Set(behind.map(({ object }) => object?.title).filter((each) => each !== undefined));
  const held = [...wantedRefs].map(title).join(', ');
  const holds = held === '' ? '' : `holds ${held} and `;
  return [
    `${paint.strong(shortName(by))} ${holds}${doing(by)}.`,
    `${howLong(calls, lasted)}:`,
    ...tree(behind, paint),
    ...circle,
    ...advice(by, children, circle.length > 0, paint),
  ];
}

/** The waits that are left out, and the command that shows them. */
function notShown(
  { work, open, pools, brief }: Findings,
  shown: readonly OpenWait[],
  shownOfPools: readonly PoolWait[],
  least: number,
): string[] {
  const hint = 'Show them: lockstep why --all';
  const parts: string[] = [];
  if (shown.length < open.length) {
    const titles = new Set(shown.map(({ object }) => object.title));
    const left = Object.entries(work).filter(([what]) => !titles.has(what));
    const calls = left.reduce((sum, [, each]) => sum + each, 0);
    const names = left.slice(0, 4).map(([what, number]) => `${number} ${title(what)}`);
    const more = left.length > 4 ? ', …' : '';
    if (calls > 0)
      parts.push(
        `Not shown: ${count(calls, 'call')} that may wait for what a thread never does (${names.join(', ')}${more}). ${hint}`,
      );
  }
  if (shownOfPools.length < pools.length)
    parts.push(
      `Not shown: ${listed(pools.slice(0, 4).map(({ pool }) => title(pool.title)))}, whose tasks run for long. ${hint}`,
    );
  if (brief > 0)
    parts.push(
      `Not shown: ${count(brief, 'call')} that ${brief === 1 ? 'has' : 'have'} waited for less than ${duration(least)}. ${hint}`,
    );
  return parts;
}

function others(unwanted: number): string[] {
  if (unwanted === 0) return [];
  return [
    `Besides: ${count(unwanted, 'object')} that ${unwanted === 1 ? 'is' : 'are'} held and not waited for.`,
  ];
}
