/** What a test file at a Redis server needs: the server, a client of its own, and clusters. */

import { after, afterEach, before } from 'node:test';
import { type Cluster, type ConnectOptions, connect } from 'lockstep/cluster';
import { createClient } from 'redis';
import { patiently } from './patiently.ts';
import { RedisServer } from './redis.ts';

export class RedisFile {
  /** Both are there when the first test begins, and end with the file. */
  server!: RedisServer;
  client!: ReturnType<typeof createClient>;
  readonly #clusters: Cluster[] = [];

  constructor() {
    before(async () => {
      this.server = await RedisServer.start();
      this.client = createClient({ url: this.server.url });
      await this.client.connect();
    });
    afterEach(async () => {
      await Promise.all(this.#clusters.splice(0).map((cluster) => cluster.close()));
    });
    after(async () => {
      this.client.destroy();
      await this.server.stop();
    });
  }

  /** A cluster that is closed after the test, at this server unless the options name another. */
  async join(options: Partial<ConnectOptions> = {}): Promise<Cluster> {
    const all = { redis: this.server.url, ...options } as ConnectOptions;
    const cluster = await patiently(() => connect(all));
    this.#clusters.push(cluster);
    return cluster;
  }

  /** The server's answer to a command. */
  ask(...command: string[]): Promise<unknown> {
    return this.client.sendCommand(command);
  }
}
