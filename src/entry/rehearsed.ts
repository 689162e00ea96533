/**
 * A module like a target's, which a spare loads to have Node's loader compiled: it imports the
 * library. The bundle's has the imports that most targets have (scripts/bundle/library.mjs).
 */

export { openShared } from '../index.ts';
