/** Words: times, counts and names, as sentences have them. */

import type { Member } from './finding-types.ts';

/** Highlights parts of a text, on a terminal. */
export interface Paint {
  strong(text: string): string;
  bad(text: string): string;
  dim(text: string): string;
}

export const PLAIN: Paint = { strong: (text) => text, bad: (text) => text, dim: (text) => text };

/** `0.2 s`, `12.4 s`, `3 m 12 s`, `2 h 5 m`, `3 d 4 h`. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${(Math.floor(seconds * 10) / 10).toFixed(1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, '0')} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} m`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** `1 call`, `4 calls`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** `A`, `A and B`, `A, B and C`. */
export function listed(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}

/** `worker-2 (pid 4121, thread 2, api.js)`. */
export function fullName(member: Member): string {
  return `${visible(member.name)} (pid ${inBrackets(member)})`;
}

/** `worker-2 (4121, api.js)`. */
export function shortName(member: Member): string {
  return `${visible(member.name)} (${inBrackets(member)})`;
}

function inBrackets({ pid, threadId, program, orphan }: Member): string {
  return [
    pid,
    threadId === 0 ? '' : `thread ${threadId}`,
    visible(program),
    orphan ? 'its parent has ended' : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/**
 * The text with `?` for characters that move the cursor, reverse the direction of text or are
 * invisible, because names come from other programs. Keeps the zero-width joiner of emoji.
 */
export function visible(text: string): string {
  return text.replace(/(?!\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}
