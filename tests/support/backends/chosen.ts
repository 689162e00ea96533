/**
 * The backend of this run: shared memory, unless `LOCKSTEP_BACKEND` is the URL of a module that
 * exports another one as `backend`. The test's own process and its actors all load it: the variable
 * is inherited.
 */

import type { Backend } from './backend.ts';
import { backend as sharedMemory } from './shared-memory.ts';

const module = process.env.LOCKSTEP_BACKEND;

export const backend: Backend =
  module === undefined ? sharedMemory : ((await import(module)) as { backend: Backend }).backend;
