import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { OURS, swanctlConf } from './common.js';

/** Whoever answers narrows what was asked for to what it allows (RFC 7296 section 2.9). */
export const selectorScenarios: readonly Scenario[] = [
  {
    group: 'selectors',
    name: 'the responder narrows',
    initiators: ['us'],
    ours: { ...OURS, remoteTs: ['10.2.0.0/16'], localTs: ['10.0.0.0/8'] },
    theirs: swanctlConf(),
    expect: 'traffic',
    afterwards: (stage) => expectSelectors(stage, '0a010000-0a0100ff', '0a020000-0a0200ff'),
  },
  {
    group: 'selectors',
    name: 'we narrow',
    initiators: ['peer'],
    ours: OURS,
    theirs: swanctlConf({ localTs: '10.2.0.0/16', remoteTs: '10.0.0.0/8' }),
    expect: 'traffic',
    afterwards: (stage) => expectSelectors(stage, '0a010000-0a0100ff', '0a020000-0a0200ff'),
  },
  {
    group: 'selectors',
    name: 'two networks on each side',
    initiators: ['us', 'peer'],
    ours: { ...OURS, localTs: ['10.1.0.0/24', '10.1.7.0/24'], remoteTs: ['10.2.0.0/24', '10.2.1.0/24'] },
    theirs: swanctlConf({ localTs: '10.2.0.0/24,10.2.1.0/24', remoteTs: '10.1.0.0/24,10.1.7.0/24' }),
    expect: 'traffic',
    afterwards: (stage) =>
      expectSelectors(stage, '0a010000-0a0100ff 0a010700-0a0107ff', '0a020000-0a0200ff 0a020100-0a0201ff'),
  },
];

async function expectSelectors({ edge }: Stage, local: string, remote: string): Promise<void> {
  const { associations } = await edge.status();
  const shown = (selectors: readonly unknown[] = []) =>
    (selectors as { first: string; last: string }[]).map(({ first, last }) => `${first}-${last}`).join(' ');
  const [found] = associations;
  const [ours, theirs] = [shown(found?.local), shown(found?.remote)];
  if (ours !== local || theirs !== remote) throw new Error(`the selectors are ${ours} and ${theirs}`);
}
