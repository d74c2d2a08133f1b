/** Where `g` followed by a letter goes; the help dialog reads the same table. */
export const DESTINATIONS = [
  { key: 't', to: '/', label: 'Topology' },
  { key: 's', to: '/sites', label: 'Sites & edges' },
  { key: 'd', to: '/address-pools', label: 'Address pools' },
  { key: 'x', to: '/external-peers', label: 'External peers' },
  { key: 'o', to: '/groups', label: 'Groups' },
  { key: 'v', to: '/services', label: 'Services' },
  { key: 'i', to: '/profiles', label: 'Profiles' },
  { key: 'u', to: '/tunnels', label: 'Tunnels' },
  { key: 'p', to: '/policies', label: 'Policies' },
  { key: 'e', to: '/explain', label: 'Explain' },
  { key: 'r', to: '/revisions', label: 'Revisions' },
  { key: 'c', to: '/trust', label: 'Trust' },
  { key: 'f', to: '/fabric', label: 'Fabric settings' },
  { key: 'm', to: '/members', label: 'Members' },
  { key: 'a', to: '/access', label: 'Access' },
  { key: 'w', to: '/webhooks', label: 'Webhooks' },
  { key: 'l', to: '/audit', label: 'Audit log' },
] as const;

export type Destination = (typeof DESTINATIONS)[number];

/** Keys that mean something everywhere, beside the destinations. */
export const KEYS = [
  { keys: ['Ctrl', 'K'], label: 'Go to anything' },
  { keys: ['/'], label: 'Filter the table' },
  { keys: ['↑', '↓'], label: 'Move between rows' },
  { keys: ['Enter'], label: 'Open the row' },
  { keys: ['Alt', '↑'], label: 'Move a rule or policy up' },
  { keys: ['Alt', '↓'], label: 'Move a rule or policy down' },
  { keys: ['Esc'], label: 'Close' },
  { keys: ['?'], label: 'This help' },
] as const;

/** How long after `g` its letter counts. */
export const CHORD_MS = 1200;

/** The destination that two keys in a row ask for; undefined when they are no chord. */
export function chordDestination(first: string, second: string, elapsed: number): Destination | undefined {
  if (first !== 'g' || elapsed > CHORD_MS) return undefined;
  return DESTINATIONS.find(({ key }) => key === second);
}
