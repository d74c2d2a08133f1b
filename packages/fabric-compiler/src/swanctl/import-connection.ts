import { FAMILIES, familyDifference, isEmpty } from '../address/family.js';
import { formatAddressText, parseAddressText } from '../address/text.js';
import type { ExternalEspProposal, ExternalIkeProposal } from '../intent.js';
import type { ServedSite } from '../topology.js';
import { type CertificateFiles, certificateProof, type ImportedProof, keyProof, proofMethod } from './import-proof.js';
import type { ImportReport } from './import-report.js';
import { AUTHENTICATION_KEYS, CHILD_KEYS, CONNECTION_KEYS, type KeyUses } from './key-uses.js';
import { listOf, type ProposalResult, parseEspProposal, parseIkeProposals } from './proposals.js';
import type { ResolvedSection } from './resolved-settings.js';
import { type AddressRange, parseRange, prefixesOf, rangesOf } from './selectors.js';

/** A connection of a gateway, seen from our edge. */
export interface ImportedConnection {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly proof: ImportedProof;
  readonly prefixes: readonly string[];
  readonly ikeProposals: readonly ExternalIkeProposal[];
  readonly espProposal: ExternalEspProposal;
}

/**
 * Reads a section of `connections`: what is local there is the external peer, what is remote there is our edge. Undefined when
 * something was refused.
 */
export function importConnection(
  connection: ResolvedSection,
  name: string,
  site: ServedSite,
  files: CertificateFiles,
  report: ImportReport,
): ImportedConnection | undefined {
  checkKeys(connection, CONNECTION_KEYS, report);
  const local = onlySection(connection, 'local', report);
  const remote = onlySection(connection, 'remote', report);
  refuseSections(connection, /^(?:local|remote|children$)/, report);
  const address = localAddress(connection, report);
  checkRemoteAddress(connection, site, report);
  const ikeProposals = proposalsOf(connection, 'proposals', parseIkeProposals, report);
  const proof = local && remote && proofOf(local, remote, address, site, files, report);
  const child = onlyChild(connection, report);
  const espProposal = child && proposalsOf(child, 'esp_proposals', parseEspProposal, report);
  const behind = child && selectorsOf(child, 'local_ts', report);
  const ours = child && selectorsOf(child, 'remote_ts', report);
  if (child !== undefined) checkCalls(connection, child, site, report);
  if (child !== undefined && behind !== undefined && ours !== undefined) checkOurs(child, behind, ours, site, report);
  const port = localPort(connection, report);
  if (address === undefined || proof === undefined || behind === undefined) return undefined;
  if (ikeProposals === undefined || espProposal === undefined || port === undefined) return undefined;
  const prefixes = [...new Set(behind.flatMap(prefixesOf))];
  return { name, address, port, proof, prefixes, ikeProposals, espProposal };
}

/** Every key has a use, and every value one that it may have. */
function checkKeys(section: ResolvedSection, uses: KeyUses, report: ImportReport): void {
  for (const [name, { value }] of section.settings) {
    const use = uses.get(name);
    if (use === undefined) {
      const fix = 'Correct its name, or take it out.';
      report.refuse(section, name, 'unknown_key', 'swanctl.conf(5) has no such key here', fix);
    } else if (use.kind === 'gateway') {
      report.leave(section, name);
    } else if (use.kind === 'never') {
      report.refuse(section, name, 'not_offered', 'External peers cannot have it', use.fix);
    } else if (use.kind === 'only' && !use.values.includes(value.toLowerCase())) {
      report.refuse(section, name, 'not_offered', 'External peers cannot have this value of it', use.fix);
    }
  }
}

function refuseSections(section: ResolvedSection, known: RegExp, report: ImportReport): void {
  for (const name of section.sections.keys()) {
    if (known.test(name)) continue;
    report.refuse(section, name, 'unknown_key', 'swanctl.conf(5) has no such section here', 'Take it out.');
  }
}

/** The section whose name begins so; several would be several rounds of authentication. */
function onlySection(
  connection: ResolvedSection,
  prefix: 'local' | 'remote',
  report: ImportReport,
): ResolvedSection | undefined {
  const [found, ...others] = [...connection.sections].filter(([name]) => name.startsWith(prefix));
  if (found === undefined || others.length > 0) {
    const [rule, detail] =
      found === undefined
        ? (['missing_key', `There is no section for the ${prefix} end`] as const)
        : (['not_offered', `There are several sections for the ${prefix} end, and external peers have one`] as const);
    const fix = 'Write one section local and one remote, each with auth and id.';
    return report.refuse(connection, others[0]?.[0] ?? '', rule, detail, fix);
  }
  const [, section] = found;
  refuseSections(section, /^$/, report);
  return section;
}

function proofOf(
  local: ResolvedSection,
  remote: ResolvedSection,
  address: string | undefined,
  site: ServedSite,
  files: CertificateFiles,
  report: ImportReport,
): ImportedProof | undefined {
  const method = proofMethod(local, remote, report);
  if (method === undefined) return undefined;
  checkKeys(local, AUTHENTICATION_KEYS[method].local, report);
  checkKeys(remote, AUTHENTICATION_KEYS[method].remote, report);
  return method === 'pre_shared_key'
    ? keyProof(local, remote, address, report)
    : certificateProof(local, remote, site, files, report);
}

function onlyChild(connection: ResolvedSection, report: ImportReport): ResolvedSection | undefined {
  const children = connection.sections.get('children');
  const found = [...(children?.sections.values() ?? [])];
  for (const name of children?.settings.keys() ?? []) {
    if (children === undefined) break;
    report.refuse(children, name, 'unknown_key', 'swanctl.conf(5) has no settings here', 'Put it into a section.');
  }
  const [child, ...others] = found;
  if (child === undefined || others.length > 0) {
    const detail = `There are ${found.length} Child SAs, and an external peer has one`;
    const fix = 'Put all networks into local_ts and remote_ts of one section of children; rules say what may pass.';
    return report.refuse(children ?? connection, '', 'not_offered', detail, fix);
  }
  checkKeys(child, CHILD_KEYS, report);
  refuseSections(child, /^$/, report);
  return child;
}

/** Where the gateway is, which has to be known: whoever comes from elsewhere is not it. */
function localAddress(connection: ResolvedSection, report: ImportReport): string | undefined {
  const text = connection.settings.get('local_addrs')?.value;
  const fix = 'Write local_addrs = and the one address of the gateway that our edge reaches.';
  if (text === undefined) {
    return report.refuse(connection, 'local_addrs', 'missing_key', 'The text does not say where the gateway is', fix);
  }
  const address = parseAddressText(text);
  if (address !== undefined) return formatAddressText(address);
  return report.refuse(connection, 'local_addrs', 'unmapped_value', 'The value is not one IPv4 or IPv6 address', fix);
}

/** "If port 500 is used, automatic IKE port floating to port 4500 is used", where an edge begins at once. */
function localPort(connection: ResolvedSection, report: ImportReport): number | undefined {
  return portOf(connection, 'local_port', report) ?? (connection.settings.has('local_port') ? undefined : NAT_PORT);
}

function portOf(connection: ResolvedSection, name: string, report: ImportReport): number | undefined {
  const text = connection.settings.get(name)?.value;
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port === IKE_PORT ? NAT_PORT : port;
  return report.refuse(connection, name, 'unmapped_value', 'The value is no UDP port', 'Write 1 to 65535.');
}

/** The gateway has to expect the edge where it is: without the key, or with "%any", anywhere. */
function checkRemoteAddress(connection: ResolvedSection, { edge }: ServedSite, report: ImportReport): void {
  const text = connection.settings.get('remote_addrs')?.value;
  const own = parseAddressText(edge.underlay.address);
  if (text === undefined || own === undefined) return;
  const admitted = listOf(text).some((item) => {
    if (/^%any[46]?$/.test(item)) return item === '%any' || item === `%any${own.family}`;
    const range = parseRange(item);
    return range !== undefined && range.family === own.family && range.first <= own.value && own.value <= range.last;
  });
  if (admitted) return;
  const detail = `The gateway does not expect the edge "${edge.name}" at ${edge.underlay.address}`;
  report.refuse(
    connection,
    'remote_addrs',
    'other_end',
    detail,
    'Write the address of the edge, or import for its site.',
  );
}

/** A gateway that calls has to call where the edge listens. */
function checkCalls(
  connection: ResolvedSection,
  child: ResolvedSection,
  { edge }: ServedSite,
  report: ImportReport,
): void {
  const port = portOf(connection, 'remote_port', report) ?? NAT_PORT;
  const called =
    connection.settings.has('remote_port') || (child.settings.get('start_action')?.value ?? 'none') !== 'none';
  if (!called || port === edge.underlay.port) return;
  const detail = `The gateway calls port ${port}, and the edge "${edge.name}" listens at ${edge.underlay.port}`;
  report.refuse(connection, 'remote_port', 'other_end', detail, `Write remote_port = ${edge.underlay.port}.`);
}

function proposalsOf<T>(
  section: ResolvedSection,
  name: string,
  parse: (text: string) => ProposalResult<T>,
  report: ImportReport,
): T | undefined {
  const text = section.settings.get(name)?.value;
  if (text === undefined || listOf(text).includes('default')) {
    const detail = 'What "default" means depends on the release of the gateway';
    const fix = 'Write the algorithms that both ends are to use, for example aes256gcm16-prfsha384-x25519 for IKE.';
    return report.refuse(section, name, 'missing_key', detail, fix);
  }
  const result = parse(text);
  return result.ok ? result.value : report.refuse(section, name, 'unmapped_value', result.detail, result.fix);
}

function selectorsOf(child: ResolvedSection, name: string, report: ImportReport): readonly AddressRange[] | undefined {
  const items = listOf(child.settings.get(name)?.value ?? 'dynamic');
  const ranges: AddressRange[] = [];
  for (const item of items) {
    const range = parseRange(item);
    if (range === undefined) {
      const fix =
        'Write prefixes without host bits, addresses, or two addresses with "-" between them; rules say which protocols and ports may pass.';
      const quoted = item.slice(0, MAX_QUOTED);
      return report.refuse(child, name, 'unmapped_value', `"${quoted}" is no network that stays the same`, fix);
    }
    ranges.push(range);
  }
  const count = ranges.reduce((sum, range) => sum + prefixesOf(range).length, 0);
  if (ranges.length > 0 && count <= MAX_PREFIXES) return ranges;
  const detail = `These are ${count} prefixes, and an external peer has 1 to ${MAX_PREFIXES}`;
  return report.refuse(child, name, 'unmapped_value', detail, 'Join networks into fewer, wider prefixes.');
}

/** Our edge proposes the networks of its site: a gateway that admits fewer would narrow them, and traffic would be missing. */
function checkOurs(
  child: ResolvedSection,
  behind: readonly AddressRange[],
  ours: readonly AddressRange[],
  site: ServedSite,
  report: ImportReport,
): void {
  const missing = familyDifference(site.ranges, rangesOf(ours));
  // What has no counterpart in its own IP version is not proposed.
  const families = FAMILIES.filter((family) => behind.some((range) => range.family === family));
  const lacking = families.flatMap((family) =>
    missing[family].map((range) => prefixesOf({ family, ...range })[0] ?? ''),
  );
  if (families.every((family) => site.ranges[family].length === 0) || isEmpty(site.ranges)) {
    const detail = `The site "${site.name}" has no network in an IP version that there are networks of behind the gateway`;
    report.refuse(child, 'local_ts', 'other_end', detail, 'Give the site a network first, or import for another one.');
  } else if (lacking.length > 0) {
    const detail = `The gateway does not admit ${lacking[0]} of the site "${site.name}"`;
    const fix = 'Let remote_ts have all networks of the site; rules say which of them may use the tunnel.';
    report.refuse(child, 'remote_ts', 'other_end', detail, fix);
  }
}

const IKE_PORT = 500;
const NAT_PORT = 4500;
const MAX_PREFIXES = 32;
const MAX_QUOTED = 64;
