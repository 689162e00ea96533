/** Backlog: tasks that wait in the pool's heap: those of a higher priority first, then by age. */

import type { PoolTask } from './pool-task.ts';

/** Tasks taken from the front before the list is moved up. */
const MOVE_UP_AFTER = 1024;

/** First in, first out. */
class Line {
  readonly priority: number;
  private tasks: (PoolTask | undefined)[] = [];
  private head = 0;

  constructor(priority: number) {
    this.priority = priority;
  }

  push(task: PoolTask): void {
    this.tasks.push(task);
  }

  /** Puts a task that was taken before back to the front. */
  unshift(task: PoolTask): void {
    if (this.head > 0) this.tasks[--this.head] = task;
    else this.tasks.unshift(task);
  }

  shift(): PoolTask | undefined {
    if (this.head >= this.tasks.length) return undefined;
    const task = this.tasks[this.head];
    this.tasks[this.head++] = undefined;
    if (this.head === this.tasks.length) {
      this.tasks = [];
      this.head = 0;
    } else if (this.head >= MOVE_UP_AFTER && this.head * 2 >= this.tasks.length) {
      this.tasks = this.tasks.slice(this.head);
      this.head = 0;
    }
    return task;
  }
}

export class Backlog {
  /** Number of waiting tasks. Withdrawn tasks are still in the lines, and are skipped. */
  size = 0;
  private readonly lines: Line[] = [new Line(0)];

  push(task: PoolTask): void {
    this.size++;
    this.lineOf(task.priority).push(task);
  }

  /** Puts a taken task back; it is first again. */
  putBack(task: PoolTask): void {
    this.size++;
    this.lineOf(task.priority).unshift(task);
  }

  /** The next task. */
  shift(): PoolTask | undefined {
    for (const line of this.lines) {
      for (let task = line.shift(); task !== undefined; task = line.shift()) {
        if (task.withdrawn) continue;
        this.size--;
        return task;
      }
    }
    return undefined;
  }

  /** Marks the task, so that it is never handed out. */
  withdraw(task: PoolTask): void {
    task.withdrawn = true;
    this.size--;
  }

  private lineOf(priority: number): Line {
    const { lines } = this;
    for (let at = 0; at < lines.length; at++) {
      const line = lines[at]!;
      if (line.priority === priority) return line;
      if (line.priority > priority) continue;
      const made = new Line(priority);
      lines.splice(at, 0, made);
      return made;
    }
    const made = new Line(priority);
    lines.push(made);
    return made;
  }
}
