import { sentence } from '../../api/field-errors.js';
import type { ProblemEntry, RevisionDiff, Tenant } from '../../api/index.js';

/** How the edges of a tenant protect what goes between them. */
export type FabricSettings = Pick<Tenant, 'securityProtocol' | 'mode' | 'keyingMode' | 'encapsulation'>;
export type SettingName = keyof FabricSettings;

/** What somebody chose and has not saved; null: nothing. */
export type ChosenSettings = { readonly [Name in SettingName]: FabricSettings[Name] | null };

interface Choice<Value> {
  readonly value: Value;
  readonly label: string;
  /** One sentence. */
  readonly meaning: string;
  /** Takes something away that a new tenant has. */
  readonly weaker?: boolean;
}

interface Setting<Value> {
  readonly title: string;
  readonly lead: string;
  /** The first is what a new tenant has. */
  readonly choices: readonly [Choice<Value>, ...Choice<Value>[]];
}

/** In the order in which they are asked for. */
export const SETTINGS: { readonly [Name in SettingName]: Setting<FabricSettings[Name]> } = {
  securityProtocol: {
    title: 'Security protocol',
    lead: 'What protects packets between edges; external peers have ESP either way. When it changes, traffic waits until both ends have the revision, seconds as a rule.',
    choices: [
      {
        value: 'esp',
        label: 'ESP: encrypted and authenticated',
        meaning: 'Nobody on the underlay can read packets, or change them unnoticed (RFC 4303).',
      },
      {
        value: 'ah',
        label: 'AH: authenticated, NOT encrypted',
        meaning:
          'Everybody on the underlay can read the traffic of all policies, and nobody can change it unnoticed (RFC 4302); it passes no NAT, and needs edges that negotiate, one at each site.',
        weaker: true,
      },
    ],
  },
  mode: {
    title: 'Mode',
    lead: 'What of packets between edges is protected.',
    choices: [
      {
        value: 'tunnel',
        label: 'Tunnel: from site to site',
        meaning: 'Whole packets are protected, of whatever networks are behind the edges.',
      },
      {
        value: 'transport',
        label: 'Transport: only between hosts',
        meaning:
          'Packets keep their header and what follows it is protected, so that each site is one host: its only network is the underlay address of its one edge, edges negotiate, no NAT is between them, and there are no external peers and no address pools (RFC 4301 section 4.1).',
      },
    ],
  },
  keyingMode: {
    title: 'Keys',
    lead: 'Who makes the traffic keys.',
    choices: [
      {
        value: 'ikev2',
        label: 'IKEv2: the edges between themselves',
        meaning: 'Edges negotiate their keys and replace them without the controller (RFC 7296).',
      },
      {
        value: 'ike-less',
        label: 'IKE-less: the controller',
        meaning: 'The controller makes the keys and hands them to both edges (RFC 9061), and nobody looks for a NAT.',
      },
      {
        value: 'controller-blind',
        label: 'Controller-blind: the edges, by what the controller relays',
        meaning:
          'Edges agree on their keys by signed messages that the controller relays and learns no key from; nobody looks for a NAT, and edges whose agents do not offer it keep what they have.',
      },
    ],
  },
  encapsulation: {
    title: 'Encapsulation',
    lead: 'What ESP travels in.',
    choices: [
      { value: 'udp', label: 'UDP', meaning: 'Passes every NAT (RFC 3948).' },
      {
        value: 'none',
        label: 'None: ESP directly on IP',
        meaning:
          'As protocol 50, which firewalls have to let through; edges that negotiate use UDP all the same where they find a NAT, and where they do not negotiate paths must have none.',
      },
    ],
  },
};

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

export const NOTHING_CHOSEN: ChosenSettings = {
  securityProtocol: null,
  mode: null,
  keyingMode: null,
  encapsulation: null,
};

/** The settings as they would be with what somebody chose. */
export function settingsWith(tenant: FabricSettings, chosen: ChosenSettings): FabricSettings {
  return {
    securityProtocol: chosen.securityProtocol ?? tenant.securityProtocol,
    mode: chosen.mode ?? tenant.mode,
    keyingMode: chosen.keyingMode ?? tenant.keyingMode,
    encapsulation: chosen.encapsulation ?? tenant.encapsulation,
  };
}

/** Only what differs, so that a colleague's change of another setting stays. */
export function changeOf(tenant: FabricSettings, chosen: ChosenSettings): Partial<FabricSettings> {
  const differs = (name: SettingName): boolean => chosen[name] !== null && chosen[name] !== tenant[name];
  return Object.fromEntries(SETTING_NAMES.filter(differs).map((name) => [name, chosen[name]]));
}

/** What runs, of the settings that the draft changes, in words. */
export function inForce(diff: Pick<RevisionDiff, 'intent'> | undefined): { readonly [Name in SettingName]?: string } {
  const change = diff?.intent.find((each) => each.noun === 'tenant' && each.change === 'changed');
  return Object.fromEntries(
    SETTING_NAMES.flatMap((name) => {
      const field = change?.fields.find((each) => each.field === name);
      if (field === undefined) return [];
      const before = field.before ?? UNSAID[name];
      return [[name, SETTINGS[name].choices.find(({ value }) => value === before)?.label]];
    }),
  );
}

/**
 * What is wrong with the draft because of these settings, each at its own. The compiler points at what would have to be otherwise (a
 * network, an edge, a policy); a problem that is named after AH or transport mode is about the choice of it as well.
 */
export function draftProblems(problems: readonly ProblemEntry[]): {
  readonly [Name in SettingName]?: readonly string[];
} {
  const placed: { [Name in SettingName]?: string[] } = {};
  for (const problem of problems) {
    const name =
      SETTING_NAMES.find((each) => problem.pointer === `/${each}`) ??
      NAMED_AFTER.find(([prefix]) => problem.rule.startsWith(prefix))?.[1];
    if (name !== undefined) placed[name] = [...(placed[name] ?? []), sentence(problem)];
  }
  return placed;
}

/** What is wrong with the draft because of its topology. */
export function topologyProblems(problems: readonly ProblemEntry[]): readonly string[] {
  return problems.filter(({ pointer }) => isTopology(pointer)).map(sentence);
}

/** Where a pointer into the intent leads, in words; undefined: to no setting. */
export function placeOfSetting(pointer: string): string | undefined {
  if (isTopology(pointer)) return 'Fabric settings, “Topology”';
  if (pointer === '/tunnelStart') return 'Fabric settings, “Tunnels start”';
  if (pointer === '/defaultProfileId') return 'Profiles, the default one';
  const name = SETTING_NAMES.find((each) => pointer === `/${each}`);
  return name && `Fabric settings, “${SETTINGS[name].title}”`;
}

/** What makes the choice of an encapsulation one without effect; undefined: nothing. */
export function encapsulationNote({ securityProtocol, mode }: FabricSettings): string | undefined {
  if (securityProtocol === 'ah') return 'AH travels directly on IP: this counts for external peers alone.';
  return mode === 'transport' ? 'In transport mode ESP travels directly on IP, whatever is chosen here.' : undefined;
}

function isTopology(pointer: string): boolean {
  return pointer === '/topology' || pointer.startsWith('/topology/');
}

/** What a revision has that does not say: one from before there was a choice, and of the first two any that has the usual. */
const UNSAID: FabricSettings = {
  securityProtocol: 'esp',
  mode: 'tunnel',
  keyingMode: 'ike-less',
  encapsulation: 'udp',
};

const NAMED_AFTER = [
  ['ah_', 'securityProtocol'],
  ['transport_', 'mode'],
] as const satisfies readonly (readonly [string, SettingName])[];
