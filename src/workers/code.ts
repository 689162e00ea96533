/**
 * Code: hands the code cache of the bundle's chunk (src/chunk.ts) to the children of this thread.
 *
 * The first child is started before there is a cache. It looks for one only when Node has started,
 * ten times as much later as the cache takes to be made. So the cache is made in the next turn of
 * the event loop, at the latest when the second child is started. A first child that looks too
 * early compiles the chunk itself.
 */

import { writeSync } from 'node:fs';
import { setImmediate } from '#clock';
import type { Agent } from '../agents/agent.ts';
import type { CodeCache } from '../chunk.ts';
import { chunkUrl, codeFileOf, givenCode, makeCode, publishCode } from '../chunk.ts';
import { makeJobFile } from './process/process-files.ts';

/** Three times what a cache takes. The memory is not used before something is written there. */
const MOST_BYTES = 1024 * 1024;

/** Something that is filled with the cache once. */
class Place {
  private readonly fill: (data: Uint8Array) => void;
  private isScheduled = false;
  private isFilled = false;

  constructor(fill: (data: Uint8Array) => void) {
    this.fill = fill;
  }

  /** To be called at each start of a child that is given this. */
  use(): void {
    if (this.isFilled) return;
    if (this.isScheduled || made !== undefined) {
      this.fillNow();
      return;
    }
    this.isScheduled = true;
    setImmediate(() => this.fillNow());
  }

  private fillNow(): void {
    if (this.isFilled) return;
    this.isFilled = true;
    made ??= makeCode();
    if (made !== undefined) this.fill(made);
  }
}

let made: Uint8Array | undefined;
let forThreads: { readonly cache: CodeCache; readonly place: Place } | undefined;
let forProcesses: { readonly fd: number; readonly place: Place } | undefined;

/** The cache for a thread that is started now. */
export function codeForThread(): CodeCache | undefined {
  const given = givenCode();
  const url = chunkUrl();
  if (given !== undefined || url === undefined) return given;
  if (forThreads === undefined) {
    const cache = { url, words: new Int32Array(new SharedArrayBuffer(MOST_BYTES)) };
    forThreads = { cache, place: new Place((data) => publishCode(cache, data)) };
  }
  forThreads.place.use();
  return forThreads.cache;
}

/**
 * Descriptor of the file with the cache for a process that is started now; `undefined`: there is
 * none.
 */
export function codeForProcess(agent: Agent): number | undefined {
  if (chunkUrl() === undefined) return undefined;
  if (forProcesses === undefined) {
    let fd: number;
    try {
      ({ fd } = makeJobFile(agent));
    } catch {
      // The cache is optional. The job's file, made next, reports what is wrong.
      return undefined;
    }
    forProcesses = { fd, place: new Place((data) => writeFile(fd, data)) };
  }
  forProcesses.place.use();
  return forProcesses.fd;
}

function writeFile(fd: number, data: Uint8Array): void {
  const file = codeFileOf(data);
  if (file === undefined) return;
  try {
    for (let at = 0; at < file.content.length; ) at += writeSync(fd, file.content, at, null, at);
    writeSync(fd, file.length, 0, null, 0);
  } catch {
    // The file is cut: without its first word, children ignore it.
  }
}
