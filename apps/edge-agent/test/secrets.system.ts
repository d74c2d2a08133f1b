import { createPrivateKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Bundle, PreSharedKey } from '@weft/contracts/southbound';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentProcess } from './support/agent-process.js';
import { ControllerHarness, ON_ROUTER } from './support/controller-harness.js';
import { namespacesUnavailable } from './support/namespaces.js';
import { type KnownSecret, secretsIn } from './support/secret-forms.js';
import { LEFT_HOST, RIGHT_HOST, TwoAgents } from './support/two-agents.js';
import { bothDirections, negotiating, relaying, withPreSharedKey } from './support/two-sites.js';

const PATIENCE = { timeout: 90_000 };
const WATCH = new URL('./support/revealed-secrets.ts', import.meta.url);
const LEAK = new URL('./support/leaked-secret.ts', import.meta.url);
/** What every ping carries, again and again. */
const PAYLOAD = randomBytes(16);
const COMMANDS = [['status', '--json'], ['status'], ['tunnels'], ['ike'], ['metrics'], ['diagnose']];
const unavailable = namespacesUnavailable();

/** Longer than what is looked for. */
const PRE_SHARED_KEY: PreSharedKey = {
  salt: randomBytes(32),
  key: Buffer.from('a key that two gateways have in common'),
};

/** How the tunnel is keyed, and how many secrets its agent uses at least. */
interface Mode {
  readonly name: string;
  readonly keyed: (bundle: Bundle) => Bundle;
  readonly preSharedKeys?: PreSharedKey[];
  readonly controller: 'none' | 'relays' | 'makes keys';
  readonly secrets: number;
}

const MODES: readonly Mode[] = [
  // The state key, private values and what they agree in, SK_d, SK_e, SK_p, KEYMAT of a pair.
  { name: 'IKEv2', keyed: negotiating, controller: 'none', secrets: 8 },
  // The same, and that key.
  {
    name: 'IKEv2 and a pre-shared key',
    keyed: withPreSharedKey(PRE_SHARED_KEY),
    preSharedKeys: [PRE_SHARED_KEY],
    controller: 'none',
    secrets: 9,
  },
  // The state key, and the keys of a pair.
  { name: 'keys of the controller', keyed: (bundle) => bundle, controller: 'makes keys', secrets: 3 },
  // The state key, the private value of the share, roots, and the keys of pairs.
  { name: 'keys that the controller relays and does not know', keyed: relaying, controller: 'relays', secrets: 5 },
];

describe.skipIf(unavailable !== undefined).each(MODES)(
  `an agent that says everything, with $name${unavailable ? ` (${unavailable})` : ''}`,
  ({ keyed, preSharedKeys = [], controller: task, secrets: least }) => {
    const agents = new TwoAgents('secrets');
    let controller: ControllerHarness | undefined;

    beforeAll(async () => {
      await agents.prepare(task === 'none' ? undefined : ON_ROUTER, keyed, preSharedKeys);
      const { namespaces, names, directory, pki, left, right } = agents;
      if (task !== 'none') {
        controller = await ControllerHarness.prepare(namespaces, names.router, directory, pki);
        await controller.start();
      }
      left.preload = WATCH;
      right.preload = WATCH;
      await Promise.all([left.run(/^edge ready$/), right.run(/^edge ready$/)]);
      if (task === 'makes keys') await keyBoth();
    });

    afterAll(() => agents.close());

    it('shows no secret that it uses, and nothing of what it protects', async () => {
      await expect.poll(() => ping(), PATIENCE).toMatch(/1 received/);
      for (const agent of [agents.left, agents.right]) {
        const secrets = secretsOf(agent);
        expect(secrets.length).toBeGreaterThanOrEqual(least);
        for (const { key } of preSharedKeys) {
          expect(secrets.some(({ octets }) => Buffer.compare(octets, key) === 0)).toBe(true);
        }
        const payload = { name: 'payload', octets: Buffer.concat([PAYLOAD, PAYLOAD]) };
        for (const [where, text] of saidBy(agent)) {
          expect({ where, shows: secretsIn(text, [...secrets, payload]) }).toEqual({ where, shows: [] });
        }
        for (const share of controller?.shares ?? []) {
          const others = secrets.filter(({ octets }) => !isPublished(octets, share));
          expect(others.length).toBeGreaterThanOrEqual(least);
          expect(secretsIn(share.toString('hex'), others)).toEqual([]);
        }
      }
    });

    it('is found out when it tells one', async () => {
      await agents.left.end('SIGTERM');
      agents.left.preload = LEAK;
      await agents.left.run(/^edge ready$/);
      expect(secretsIn(logOf(agents.left), secretsOf(agents.left))).toContainEqual(
        expect.stringMatching(/ as base64$/),
      );
    });

    /** In the order of RFC 9061 appendix D. */
    async function keyBoth(): Promise<void> {
      for (const name of ['left', 'right'])
        await controller?.hears(({ said, edge }) => said === 'hello' && edge === name);
      for (const { edge, command } of bothDirections([0x1001, 0x1002])) {
        controller?.command(edge, command);
        await controller?.hears(({ said, commandId }) => said === 'result' && commandId === command.commandId);
      }
    }

    function ping(): string {
      const { namespaces, names } = agents;
      const pattern = ['-s', '400', '-p', PAYLOAD.toString('hex')];
      try {
        return namespaces.run(names.left, 'ping', ['-c', '1', '-W', '2', ...pattern, '-I', LEFT_HOST, RIGHT_HOST]);
      } catch (error) {
        return String(error);
      }
    }
  },
);

/** What it has used so far, and what it has on its disk. */
function secretsOf({ stateDir }: AgentProcess): KnownSecret[] {
  const used = readFileSync(`${stateDir}.revealed`, 'utf8').trim().split('\n');
  const { privateKeyPem } = JSON.parse(readFileSync(path.join(stateDir, 'identity.json'), 'utf8'));
  const { d = '' } = createPrivateKey(privateKeyPem).export({ format: 'jwk' });
  return [
    ...used.map((hex, index) => ({ name: `secret ${index}`, octets: Buffer.from(hex, 'hex') })),
    { name: 'state key', octets: readFileSync(`${stateDir}.key`) },
    { name: 'private key', octets: Buffer.from(d, 'base64url') },
  ];
}

/**
 * The confirmation that the two ends have the same keys is a secret until a share shows it: 48 octets, with their length before
 * them. What is stored holds the share too, and its keys, each of which is a secret of its own.
 */
function isPublished(secret: Uint8Array, share: Buffer): boolean {
  const shown = share.includes(Buffer.concat([Buffer.of(0, secret.length), secret]));
  return (secret.length === 48 && shown) || Buffer.from(secret).includes(share.subarray(-64));
}

/** Everything that can be asked of it, and its log. */
function saidBy(agent: AgentProcess): readonly (readonly [where: string, text: string])[] {
  const asked = COMMANDS.map((words) => [words.join(' '), agent.command(...words)] as const);
  return [...asked, ['log', logOf(agent)]];
}

function logOf({ log }: AgentProcess): string {
  return log.map((line) => JSON.stringify(line)).join('\n');
}
