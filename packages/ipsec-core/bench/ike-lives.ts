import { nodeCryptoProvider } from '../providers/node-crypto/node-crypto-provider.js';
import { establishedPair, toyKeyExchange } from '../test/ike/fixtures.js';

/**
 * A program, for a process of its own: so many lives of an IKE SA with a Child SA, of which both are replaced before they are
 * deleted. With `control` something in each has a hidden class of its own.
 * usage: ike-lives.ts COUNT [control]
 */
const [count = '', control] = process.argv.slice(2);
const kept: object[] = [];
for (let life = 0; life < Number(count); life++) {
  if (control === 'control') kept.push({ [`life ${life}`]: life });
  const pair = establishedPair({ keyExchange: toyKeyExchange, engine: { provider: nodeCryptoProvider } });
  const inboundSpi = pair.left.sad.current()?.association.inboundSpi;
  if (inboundSpi === undefined) throw new Error('there is no Child SA');
  for (const input of [
    { kind: 'rekey-child', inboundSpi },
    { kind: 'rekey-ike', connection: 'left-right' },
    { kind: 'delete-ike', connection: 'left-right' },
  ] as const) {
    pair.give(pair.left, input);
    pair.runFor(5000);
  }
}
