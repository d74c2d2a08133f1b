import type { FabricIntent, WrittenEntry } from '@weft/fabric-compiler';
import type { ReportedEnd, ReportedExplanation, ReportedHop } from '../../compiler/compiler-job.js';
import type { NamedEnd } from '../revisions/revision-diff.dto.js';
import type { ExplainedHop, Explanation, SpdEntry } from './explanation.dto.js';

/** What the compiler says, with the names that people gave. */
export function explanationOf(
  reported: ReportedExplanation,
  intent: FabricIntent,
): Omit<Explanation, 'revision' | 'ruleSince'> {
  const names = new Map([...intent.edges, ...(intent.externalPeers ?? [])].map(({ id, name }) => [id, name]));
  const named = (id: string): NamedEnd => ({ id, name: names.get(id) ?? id });
  const { packet, verdict, rule, source, destination, hops } = reported;
  return {
    packet,
    verdict: verdict.kind,
    detail: detailOf(reported, named),
    source: endOf(source),
    destination: endOf(destination),
    rule:
      rule === null
        ? null
        : {
            policyId: rule.policyId,
            policyName: rule.policyName,
            ruleId: rule.ruleId,
            ruleName: rule.name,
            action: rule.action,
            position: rule.position,
            namedServices: rule.namedServices.map(({ id, name }) => ({ id, name })),
          },
    hops: hops.map((hop) => hopOf(hop, named, profileOf(hop, intent))),
  };
}

function endOf(end: ReportedEnd | null): Explanation['source'] {
  if (end === null) return null;
  const { siteId: id, siteName: name, siteAddress } = end;
  return { id, name, ...(siteAddress === undefined ? {} : { siteAddress }) };
}

function detailOf({ verdict, rule, packet, hops }: ReportedExplanation, named: (id: string) => NamedEnd): string {
  switch (verdict.kind) {
    case 'protected':
      return `The rule "${rule?.name}" allows it${asWhat(rule)}; ${hops.length === 1 ? 'one tunnel carries' : `${hops.length} tunnels carry`} it${byWayOf(hops, named)}${readable(hops) ? ', AUTHENTICATED BUT NOT ENCRYPTED (AH)' : ''}.`;
    case 'discarded':
      return rule === null
        ? 'No rule allows it: what no rule matches is discarded.'
        : `The rule "${rule.name}" forbids it${asWhat(rule)}.`;
    case 'unreachable':
      return `The rule "${rule?.name}" allows it, but nothing carries it on from ${named(verdict.at).name}.`;
    case 'not_in_fabric':
      if (verdict.because === 'same_site') return 'Both addresses are behind the same edge: the fabric never sees it.';
      return `No network of the fabric has ${verdict.because === 'source' ? packet.source : packet.destination}.`;
  }
}

/** By which of the named services. */
function asWhat(rule: ReportedExplanation['rule']): string {
  const names = (rule?.namedServices ?? []).map(({ name }) => `"${name}"`);
  return names.length === 0 ? '' : ` as ${names.join(' and ')}`;
}

/** Who passes it on: the topology lets its ends have no tunnel with each other. */
function byWayOf(hops: ReportedExplanation['hops'], named: (id: string) => NamedEnd): string {
  const relays = hops.slice(0, -1).map(({ toPeerId }) => named(toPeerId).name);
  return relays.length === 0 ? '' : ` by way of ${relays.join(', then ')}`;
}

/** Somebody on the underlay can read it somewhere on its way. */
function readable(hops: ReportedExplanation['hops']): boolean {
  return hops.some(({ association }) => association.esp.protocol === 'ah');
}

function hopOf(
  { fromEdgeId, toPeerId, outbound, inbound, ...hop }: ReportedHop,
  named: (id: string) => NamedEnd,
  profile: NamedEnd | null,
): ExplainedHop {
  const { keyingMode, esp, ike, local, remote, localIdentity, remoteIdentity, tunnelStart } = hop.association;
  return {
    from: named(fromEdgeId),
    to: named(toPeerId),
    outbound: outbound === null ? null : entryOf(outbound, named),
    inbound: inbound === null ? null : entryOf(inbound, named),
    association: {
      keyingMode,
      mode: esp.mode ?? 'tunnel',
      local: local === undefined ? null : { ...local },
      remote: remote === undefined ? null : { ...remote },
      localIdentity,
      remoteIdentity,
      profile,
      ...protectionOf(esp),
      ike: keyingMode === 'ikev2' ? ikeOf(ike) : null,
      tunnelStart: tunnelStart ?? null,
    },
    encapsulation: { ...hop.encapsulation },
  };
}

/** An external peer is offered what is written with it, and not a profile. */
function profileOf(
  { fromEdgeId, toPeerId, association }: ReportedHop,
  { profiles = [], externalPeers = [] }: FabricIntent,
): NamedEnd | null {
  const profile = profiles.find(({ id }) => id === association.profileId);
  if (profile === undefined || externalPeers.some(({ id }) => id === toPeerId || id === fromEdgeId)) return null;
  return { id: profile.id, name: profile.name };
}

function protectionOf(profile: ReportedHop['association']['esp']): Pick<ExplainedHop['association'], 'esp' | 'ah'> {
  const { replayWindow, extendedSequenceNumbers } = profile;
  const common = { replayWindow, extendedSequenceNumbers };
  if (profile.protocol === 'ah') return { esp: null, ah: { integrity: profile.integrity, ...common } };
  const { encryption, keyBits, encapsulation = 'udp' } = profile;
  return { esp: { encryption, keyBits, ...common, encapsulation }, ah: null };
}

function ikeOf(ike: ReportedHop['association']['ike']): ExplainedHop['association']['ike'] {
  const { proposals, childKeyExchange, ...lifetimes } = ike;
  return {
    ...lifetimes,
    proposals: proposals.map((proposal) => ({ ...proposal, keyExchange: keyExchangeOf(proposal.keyExchange) })),
    childKeyExchange: childKeyExchange === undefined ? null : keyExchangeOf(childKeyExchange),
  };
}

function keyExchangeOf({
  method,
  additionalMethods,
}: {
  readonly method: number;
  readonly additionalMethods: readonly number[];
}) {
  return { method, additionalMethods: [...additionalMethods] };
}

function entryOf(
  { edgeId, local, remote, services, ...entry }: WrittenEntry,
  named: (id: string) => NamedEnd,
): SpdEntry {
  const addresses = ({ ranges, more }: WrittenEntry['remote']) => ({ ranges: [...ranges], more });
  return {
    ...entry,
    edge: named(edgeId),
    local: local === 'site' ? null : addresses(local),
    remote: addresses(remote),
    services: [...services],
  };
}
