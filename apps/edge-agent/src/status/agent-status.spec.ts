import { describe, expect, it } from 'vitest';
import { AgentStatus, agentStatus, renderStatus } from './agent-status.js';

function statusOf(news: Partial<Parameters<typeof agentStatus>[0]['snapshot']>): AgentStatus {
  return agentStatus({
    identity: { edgeName: 'berlin', edgeId: 'e', tenantId: 't', notAfter: new Date(0) } as never,
    agentVersion: '1',
    device: 'weft0',
    connected: true,
    bundle: undefined,
    snapshot: {
      now: 0,
      contentHash: undefined,
      associations: [],
      tunnels: [],
      policies: [],
      drops: [],
      underlayErrors: [],
      pathMtuMessages: [],
      keepalives: 0n,
      workers: [{ heartbeat: 1, replacements: 0 }],
      ...news,
    },
    negotiations: new Map(),
    ikeDrops: [],
    takenAt: new Date(0),
  });
}

describe('status', () => {
  it('shows what the underlay says about packets, and what came of "too big"', () => {
    const status = statusOf({
      underlayErrors: [
        { reason: 'too_big', messages: 3n },
        { reason: 'port_unreachable', messages: 2n ** 60n },
      ],
      pathMtuMessages: [{ outcome: 'path_mtu_lowered', messages: 1n }],
    });
    // As it travels over the local socket.
    expect(AgentStatus.parse(JSON.parse(JSON.stringify(status)))).toEqual(status);
    expect(renderStatus(status)).toContain(
      [
        'UNDERLAY SAYS     MESSAGES',
        'too_big           3',
        'port_unreachable  1152921504606846976',
        'path_mtu_lowered  1',
      ].join('\n'),
    );
  });

  it('does not mention the underlay while it is silent', () => {
    expect(renderStatus(statusOf({}))).not.toContain('UNDERLAY SAYS');
  });
});
