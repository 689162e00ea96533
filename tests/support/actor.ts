/** The target of every actor: does what the test orders, until the test hangs up. */

import type { Style } from './backends/backend.ts';
import { backend } from './backends/chosen.ts';
import type { Address } from './members/run.ts';
import { serve } from './members/serving.ts';
import { Performer } from './performer.ts';

export async function act(address: Address, style: Style): Promise<void> {
  const performer = new Performer(backend.self, style);
  await serve(address, (order) => performer.obey(order), backend.self);
}
