import type { CaptureCounts } from '../capture/counts.js';
import { DISCARD_PORT } from '../capture/fence.js';
import { PLAINTEXT_MARKER } from '../capture/inner-traffic.js';
import { waitUntil } from '../fabric/wait-until.js';
import type { LabRuntime } from '../lab-runtime.js';
import type { Topology } from '../topology/topology.js';

/**
 * Before any edge runs, every host sends one datagram in every family to a discard address, and every edge one that carries
 * the marker. The edges forward in the clear as any router would, so the capture must count each of them: a capture that
 * cannot fail proves nothing. Returns the counts so far, to be subtracted from everything later.
 */
export async function proveCapture(runtime: LabRuntime, topology: Topology): Promise<CaptureCounts> {
  let addresses = 0;
  for (const site of topology.sites) {
    for (const lan of site.networks) {
      await sendDatagram(runtime, site.hostNamespace, DISCARD_ADDRESS[lan.family], 'probe');
      addresses += 1;
    }
    await sendDatagram(runtime, site.edgeNamespace, DISCARD_ADDRESS[4], PLAINTEXT_MARKER);
  }
  // A first datagram waits for neighbour discovery, and a fence on another link does not wait with it: hence ask again.
  return waitUntil('The capture counts the deliberate cleartext packets', PROOF_TIMEOUT_MILLISECONDS, async () => {
    const counts = await runtime.sandbox.call('captureCounts', {});
    const problem =
      missed(counts, 'inner-address-in-header', addresses) ?? missed(counts, 'marker', topology.sites.length);
    return problem === undefined ? { value: counts } : { problem };
  });
}

async function sendDatagram(runtime: LabRuntime, namespace: string, address: string, text: string): Promise<void> {
  const result = await runtime.execute(namespace, 'bash', [
    '-c',
    'printf %s "$2" > "/dev/udp/$1"',
    'bash',
    `${address}/${DISCARD_PORT}`,
    text,
  ]);
  if (result.code !== 0) throw new Error(`A datagram from ${namespace} to ${address} failed: ${result.stderr.trim()}`);
}

function missed(counts: CaptureCounts, reason: string, sent: number): string | undefined {
  const counted = counts.cleartextReasons[reason] ?? 0;
  return counted === sent ? undefined : `It proves nothing: ${sent} (${reason}) were sent and ${counted} were counted.`;
}

const PROOF_TIMEOUT_MILLISECONDS = 15_000;
/** Nobody's address on the controller's link, and the discard-only block of RFC 6666. */
const DISCARD_ADDRESS = { 4: '192.0.2.254', 6: '100::1' } as const;
