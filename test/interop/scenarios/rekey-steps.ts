import type { Initiator } from '../scenario.js';
import type { Stage } from '../stage.js';
import { exchangeTraffic } from '../traffic/traffic.js';

/** Replaces the Child SA, and waits until traffic uses the new one and the old one is gone. */
export async function replaceChild({ edge, charon }: Stage, by: Initiator): Promise<void> {
  const from = edge.news.length;
  if (by === 'us') await edge.command('rekey-child');
  else await charon.swanctl('--rekey', '--child', 'net');
  await edge.event(['child-rekeyed'], PATIENCE, from);
}

/** Replaces the IKE SA. */
export async function replaceIke({ edge, charon }: Stage, by: Initiator): Promise<void> {
  const from = edge.news.length;
  if (by === 'us') await edge.command('rekey-ike');
  else await charon.swanctl('--rekey', '--ike', 'interop');
  await edge.event(['ike-rekeyed'], PATIENCE, from);
}

/** Authenticates anew, make before break, and waits until the old IKE SA is gone. */
export async function authenticateAnew({ edge, charon }: Stage, by: Initiator): Promise<void> {
  const from = edge.news.length;
  if (by === 'us') await edge.command('reauthenticate');
  else await charon.swanctl('--rekey', '--reauth', '--ike', 'interop');
  await edge.event(['ike-superseded'], PATIENCE, from);
}

/** As `replaceChild`, and shows that traffic flows. */
export async function rekeyChild(stage: Stage, by: Initiator): Promise<void> {
  await replaceChild(stage, by);
  await exchangeTraffic(stage.ends);
}

const PATIENCE = 30_000;
