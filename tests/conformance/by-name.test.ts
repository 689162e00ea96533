/** The suites need not know what carries their objects: here they are found by their names. */

import { over } from '../support/backends/over.ts';

const module = new URL('../support/backends/by-name.js', import.meta.url);

over(module, ['event', 'latch', 'value', 'rwlock']);
