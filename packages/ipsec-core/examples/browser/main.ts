import { decryptCapture } from '../decrypt-capture.js';
import { explainPacket } from '../explain-packet.js';
import { makeCapture } from '../make-capture.js';
import { createAssociation, createEngine, twoEngines } from '../two-engines.js';

/** What a browser has of its DOM, as far as this page needs it. */
declare const document: { getElementById(id: string): { textContent: string; dataset: Record<string, string> } | null };
declare const crypto: { getRandomValues(out: Uint8Array): Uint8Array };

// #region browser
const random = (out: Uint8Array) => void crypto.getRandomValues(out);
const packet = Uint8Array.from([
  ...[0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0x66, 0xc8, 10, 1, 0, 1, 10, 2, 0, 2],
  ...[0x03, 0xe8, 0x07, 0xd0, 0, 12, 0, 0, 1, 2, 3, 4],
]);
const engine = createEngine(random, '10.1.0.0/16', '10.2.0.0/16');
engine.install({ ...createAssociation('tunnel', random), direction: 'outbound' }, 0);
const { file, associations } = makeCapture(random, packet);

const lines = [
  ...twoEngines(random, packet),
  ...explainPacket(engine, packet, 1),
  ...decryptCapture(file, associations),
];
// #endregion

const output = document.getElementById('output');
if (output !== null) {
  output.textContent = lines.join('\n');
  output.dataset['done'] = 'true';
}
