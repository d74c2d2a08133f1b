import type { FabricIntent } from '../intent.js';
import { checkTopology, type ServedSite } from '../topology.js';
import { type ImportedConnection, importConnection } from './import-connection.js';
import type { CertificateFiles } from './import-proof.js';
import { type GatewaySetting, ImportReport, type SwanctlProblem } from './import-report.js';
import { type ImportedSecret, importSecrets, secretOf } from './import-secrets.js';
import { ROOT_SECTIONS } from './key-uses.js';
import { parseSettings } from './parse-settings.js';
import { type ResolvedSection, resolveSettings } from './resolved-settings.js';
import type { SettingsSection } from './settings.js';

/** A connection, with the key that goes with it or the certificates that are pinned. */
export type ImportedPeer = Omit<ImportedConnection, 'proof'> & { readonly identity: string } & (
    | { readonly localIdentity: string; readonly preSharedKey: string }
    /** Lower-case hex of DER. */
    | { readonly certificates: readonly string[] }
  );

export type SwanctlImport =
  | { readonly ok: true; readonly peers: readonly ImportedPeer[]; readonly leftAtGateway: readonly GatewaySetting[] }
  | { readonly ok: false; readonly problems: readonly SwanctlProblem[] };

/**
 * Makes external peers of the swanctl.conf of a gateway, one of each connection, for the edge of a site. A text that says anything
 * that an external peer cannot be is refused as a whole; what concerns the gateway alone is named.
 *
 * @param files the certificates that came with it, for connections that prove with one who they are
 */
export function importSwanctl(
  text: string,
  intent: FabricIntent,
  siteId: string,
  files: CertificateFiles = new Map(),
): SwanctlImport {
  const parsed = parseSettings(text);
  if (!parsed.ok) return { ok: false, problems: [parsed.problem] };
  const resolved = resolveSettings(parsed.root);
  if (!resolved.ok) return { ok: false, problems: [resolved.problem] };
  const report = new ImportReport();
  checkRoot(parsed.root, resolved.root, report);
  const site = servedSite(intent, siteId, resolved.root, report);
  const peers = site === undefined ? [] : importPeers(resolved.root, site, files, report);
  const { problems, leftAtGateway } = report;
  return problems.length > 0 ? { ok: false, problems } : { ok: true, peers, leftAtGateway };
}

/** Sections of the root that nothing reads are a mistake; so are settings. */
function checkRoot(written: SettingsSection, root: ResolvedSection, report: ImportReport): void {
  for (const name of root.settings.keys()) {
    report.refuse(root, name, 'unknown_key', 'swanctl.conf(5) has no settings outside of sections', 'Take it out.');
  }
  const referred = referredNames(written);
  for (const [name, { settings, sections }] of root.sections) {
    if (name === 'connections' || name === 'secrets' || referred.has(name)) continue;
    if (name === 'authorities') {
      leaveAuthorities(root.sections.get(name), report);
      continue;
    }
    const fix = ROOT_SECTIONS.get(name);
    if (fix === undefined) {
      const detail = 'swanctl.conf(5) has no such section, and no other refers to it';
      report.refuse(root, name, 'unknown_key', detail, 'Correct its name, or take it out.');
    } else if (settings.size > 0 || sections.size > 0) {
      report.refuse(root, name, 'not_offered', 'External peers have none of this', fix);
    }
  }
}

/** Where the gateway asks for what is revoked. */
function leaveAuthorities(authorities: ResolvedSection | undefined, report: ImportReport): void {
  for (const section of authorities?.sections.values() ?? []) {
    for (const name of section.settings.keys()) report.leave(section, name);
  }
}

function referredNames({ sections, references }: SettingsSection): ReadonlySet<string> {
  const names = references.map(({ path }) => path[0] ?? '');
  return new Set([...names, ...[...sections.values()].flatMap((section) => [...referredNames(section)])]);
}

/** The site as the compiler sees it; what else is wrong with the draft is reported where it is compiled. */
function servedSite(
  intent: FabricIntent,
  siteId: string,
  root: ResolvedSection,
  report: ImportReport,
): ServedSite | undefined {
  const { served } = checkTopology(intent, []);
  const site = served.find((candidate) => candidate.siteId === siteId);
  if (site?.edges.length === 1) return site;
  const detail = `The site has ${site?.edges.length ?? 'no'} edges, and the tunnels are with one`;
  return report.refuse(root, '', 'other_end', detail, 'Import for a site with exactly one edge.');
}

function importPeers(
  root: ResolvedSection,
  site: ServedSite,
  files: CertificateFiles,
  report: ImportReport,
): readonly ImportedPeer[] {
  const connections = root.sections.get('connections');
  for (const name of connections?.settings.keys() ?? []) {
    if (connections === undefined) break;
    report.refuse(connections, name, 'unknown_key', 'swanctl.conf(5) has no settings here', 'Put it into a section.');
  }
  const found = [...(connections?.sections ?? [])];
  if (found.length === 0 || found.length > MAX_CONNECTIONS) {
    const [rule, detail] =
      found.length === 0
        ? (['no_connections', 'The text has no connection'] as const)
        : (['too_many_connections', `The text has more than ${MAX_CONNECTIONS} connections`] as const);
    report.refuse(connections ?? root, '', rule, detail, `Give 1 to ${MAX_CONNECTIONS} sections in connections.`);
    return [];
  }
  const secrets = importSecrets(root.sections.get('secrets'), report);
  const used = new Set<ImportedSecret>();
  const peers = found.flatMap(([name, section]): ImportedPeer[] => {
    const connection = importConnection(section, name, site, files, report);
    if (connection === undefined) return [];
    const { proof, ...rest } = connection;
    const { identity } = proof;
    if (proof.kind === 'pinned_certificates') return [{ ...rest, identity, certificates: proof.certificates }];
    const { localIdentity } = proof;
    const secret = secretOf(secrets, section, [identity, localIdentity], report);
    if (secret?.key === undefined) return [];
    used.add(secret);
    return [{ ...rest, identity, localIdentity, preSharedKey: secret.key }];
  });
  for (const secret of peers.length === found.length ? secrets : []) {
    if (used.has(secret)) continue;
    const fix = 'Add the connection that it is for, or take it out.';
    report.refuse(secret.section, '', 'unmapped_value', 'The key belongs to no connection of the text', fix);
  }
  return peers;
}

const MAX_CONNECTIONS = 100;
