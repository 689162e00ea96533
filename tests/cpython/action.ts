/**
 * The action of every bridged Barrier. It travels in handles by its module and export, so it stands
 * in a module of its own, which a blocking call can load, too. The agent that runs it asks Python.
 */

export const ACTION: { run: () => unknown } = {
  run() {
    throw new Error('no agent runs here');
  },
};

export function barrierAction(): unknown {
  return ACTION.run();
}
