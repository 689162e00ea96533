/** Opens the object that a handle stands for, and looks at all of it: `opens <handle>`. */

import { openShared } from 'lockstep';

try {
  const object = openShared(process.argv[2] ?? '');
  console.log(JSON.stringify({ shown: String(object) }));
} catch (error) {
  console.log(
    JSON.stringify({ code: Reflect.get(error as Error, 'code'), message: (error as Error).message }),
  );
}
