/** Makes functions of one text and one name. */
export function adder(by) {
  return function add(n) {
    return n + by;
  };
}

export function traced(fn) {
  const traced = (...args) => fn(...args);
  Object.defineProperty(traced, 'name', { value: fn.name });
  return traced;
}

export function configured(options) {
  return function add(n) {
    return n + options.by;
  };
}

export function classAdding(Base, by) {
  return class Adding extends Base {
    run() {
      return by + 1;
    }
  };
}

/** A wrapper that remembers something of its own: that may differ in a child. */
export function counting(fn) {
  let calls = 0;
  const made = { calls: 0 };
  return function counted(n) {
    calls++;
    made.calls = calls;
    return fn(n);
  };
}
