/**
 * Sizing: chooses the number of workers between minimum and maximum, and replaces workers that use
 * too much memory.
 *
 * A worker is added when tasks have waited for some milliseconds, so a shorter burst starts none.
 * Workers above the minimum end when the pool has been idle for its idle timeout.
 */

import { clearTimeout, setTimeout } from '#clock';
import { now } from '#park';
import { platform } from '../platform/current.ts';
import type { Alarm } from './alarms.ts';
import type { Crew } from './crew.ts';
import type { Engine } from './engine.ts';
import type { Member } from './member.ts';
import type { Settings } from './settings.ts';

/** Milliseconds that tasks wait before a worker is added for them. */
const PATIENCE = 5;
/** Milliseconds between two looks at the memory of a worker. */
const LOOK_EVERY = 100;
const LONGEST_TIMER = 0x7fffffff;

export class Sizing {
  private readonly settings: Settings;
  private readonly crew: Crew;
  private readonly engine: Engine;
  private readonly grown: () => void;
  private growth: Alarm | undefined;
  private idle: NodeJS.Timeout | undefined;
  private readonly looked = new WeakMap<Member, number>();

  /** @param grown called when a worker was added */
  constructor(settings: Settings, crew: Crew, engine: Engine, grown: () => void) {
    this.grown = grown;
    this.settings = settings;
    this.crew = crew;
    this.engine = engine;
  }

  /** A task was submitted. */
  submitted(): void {
    if (this.idle !== undefined) {
      clearTimeout(this.idle);
      this.idle = undefined;
    }
    if (this.growth !== undefined || this.crew.target >= this.settings.max) return;
    this.growth = this.engine.alarms.set(PATIENCE, () => {
      this.growth = undefined;
      this.grow();
    });
  }

  /** Nothing is left pending. */
  rested(): void {
    const { min, idleTimeout } = this.settings;
    if (this.idle !== undefined || this.crew.target <= min || idleTimeout > LONGEST_TIMER) return;
    this.idle = setTimeout(() => this.shrink(), idleTimeout);
    this.idle.unref();
  }

  /**
   * The worker has ended a task. Returns whether it has grown too large, and has to be replaced.
   */
  isTooLarge(member: Member): boolean {
    const { maxMemoryPerChild } = this.settings;
    if (maxMemoryPerChild === Number.POSITIVE_INFINITY || member.state !== 'ready') return false;
    if (!('pid' in member.child) || now() - (this.looked.get(member) ?? 0) < LOOK_EVERY) return false;
    this.looked.set(member, now());
    return (platform.memoryOf(member.id) ?? 0) > maxMemoryPerChild;
  }

  close(): void {
    this.engine.alarms.clear(this.growth);
    clearTimeout(this.idle);
  }

  private grow(): void {
    const { crew, engine, settings } = this;
    const waiting = engine.handOut.demand - crew.size * settings.concurrency;
    if (waiting <= 0 || crew.target >= settings.max) return;
    crew.target++;
    crew.refill();
    engine.handOut.resize();
    engine.handOut.fill();
    this.grown();
    this.submitted();
  }

  private shrink(): void {
    this.idle = undefined;
    const { crew, engine, settings } = this;
    if (!engine.idle) return;
    crew.target = settings.min;
    let staying = 0;
    for (const member of crew.members) {
      if (member?.alive !== true || member.stopping) continue;
      if (++staying > settings.min) crew.stop(member);
    }
    engine.handOut.resize();
  }
}
