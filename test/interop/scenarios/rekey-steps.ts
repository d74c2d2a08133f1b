import type { Initiator } from '../scenario.js';
import type { Stage } from '../stage.js';
import { exchangeTraffic } from '../traffic/traffic.js';

/** Replaces the Child SA, and shows that traffic flows through the new one. */
export async function rekeyChild(stage: Stage, by: Initiator): Promise<void> {
  const { edge, charon } = stage;
  const from = edge.news.length;
  if (by === 'us') await edge.command('rekey-child');
  else await charon.swanctl('--rekey', '--child', 'net');
  await edge.event(['child-rekeyed'], PATIENCE, from);
  await exchangeTraffic(stage.ends);
}

/** Replaces the IKE SA, and shows that the Child SA goes on. */
export async function rekeyIke(stage: Stage, by: Initiator): Promise<void> {
  const { edge, charon } = stage;
  const from = edge.news.length;
  if (by === 'us') await edge.command('rekey-ike');
  else await charon.swanctl('--rekey', '--ike', 'interop');
  await edge.event(['ike-rekeyed'], PATIENCE, from);
  await exchangeTraffic(stage.ends);
}

const PATIENCE = 10_000;
