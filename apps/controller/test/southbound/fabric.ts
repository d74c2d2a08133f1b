import { randomUUID } from 'node:crypto';
import type { FabricIntent, Rule } from '@weft/fabric-compiler';
import { Distribution } from '../../src/distribution/distribution.js';
import type { TestController } from '../support/test-controller.js';

/** A tenant with three sites, an edge each, all of them talking to each other; revisions put there without the API. */
export class TestFabric {
  readonly tenantId = randomUUID();
  readonly edgeIds = ['0', '1', '2'].map((digit) => `${digit.repeat(8)}${randomUUID().slice(8)}`) as [
    string,
    string,
    string,
  ];
  readonly #siteIds = [randomUUID(), randomUUID(), randomUUID()];
  readonly #ruleIds = [randomUUID(), randomUUID(), randomUUID()];
  readonly #policyId = randomUUID();
  #revision = 0;

  async seed(controller: TestController): Promise<void> {
    const { sql } = controller;
    await sql`insert into tenants (id, name) values (${this.tenantId}, ${this.tenantId})`;
    for (const [index, edgeId] of this.edgeIds.entries()) {
      const siteId = this.#siteIds[index] ?? '';
      await sql`insert into sites (id, tenant_id, name) values (${siteId}, ${this.tenantId}, ${NAMES[index] ?? ''})`;
      await sql`
        insert into edges (id, tenant_id, site_id, name, underlay_address, underlay_port)
        values (${edgeId}, ${this.tenantId}, ${siteId}, ${NAMES[index] ?? ''}, ${`203.0.113.${index + 1}`}::text::inet, 4500)`;
    }
  }

  /** Stores a revision and tells the controller. The pairs of sites (0-1, 0-2, 1-2) get one action each. */
  async publish(
    controller: TestController,
    actions: readonly Rule['action'][],
    change: Partial<FabricIntent> = {},
  ): Promise<void> {
    const { application } = controller.controller;
    const { sql } = controller;
    this.#revision += 1;
    const intent = { ...this.#intent(actions), ...change };
    await sql`
      insert into revisions (tenant_id, number, author, intent)
      values (${this.tenantId}, ${this.#revision}, 'tester', ${sql.json(JSON.parse(JSON.stringify(intent)))})`;
    await application.get(Distribution).revisionPublished(this.tenantId);
  }

  #intent(actions: readonly Rule['action'][]): FabricIntent {
    const pairs = [
      [0, 1],
      [0, 2],
      [1, 2],
    ];
    const site = (index: number | undefined) => this.#siteIds[index ?? 0] ?? '';
    return {
      tenantId: this.tenantId,
      sites: NAMES.map((name, index) => ({ id: site(index), name })),
      networks: NAMES.map((name, index) => ({
        id: randomUUID(),
        siteId: site(index),
        name,
        prefix: `10.${index}.0.0/16`,
      })),
      edges: this.edgeIds.map((id, index) => ({
        id,
        siteId: site(index),
        name: NAMES[index] ?? '',
        underlayAddress: `203.0.113.${index + 1}`,
        underlayPort: 4500,
      })),
      policies: [
        {
          id: this.#policyId,
          name: 'policy',
          enabled: true,
          rules: pairs.map(([from, to], index) => ({
            id: this.#ruleIds[index] ?? '',
            name: 'rule',
            action: actions[index] ?? 'DISCARD',
            sources: [{ kind: 'site', siteId: site(from) }],
            destinations: [{ kind: 'site', siteId: site(to) }],
            services: [{ protocol: 'any', ports: [] }],
          })),
        },
      ],
    };
  }
}

const NAMES = ['paris', 'tokyo', 'lima'];
