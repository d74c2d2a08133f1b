import { z } from 'zod';

/** The line of an `ip -batch` that failed, and why. */
export interface BatchFailure {
  readonly line: string;
  readonly reason: string;
}

/**
 * Reads what `ip -batch -` complained of: the reason in the kernel's or the tool's own words, then
 * `Command failed -:N` with the number of the line, from 1.
 */
export function findBatchFailure(errors: string, lines: readonly string[]): BatchFailure {
  const complaints = errors.split('\n').filter((line) => line.trim() !== '');
  const marker = complaints.findIndex((line) => FAILED.test(line));
  const number = Number(FAILED.exec(complaints[marker] ?? '')?.[1] ?? Number.NaN);
  const reason = (marker < 0 ? complaints : complaints.slice(0, marker)).join('; ');
  return { line: lines[number - 1] ?? lines.join(', '), reason: reason === '' ? 'no reason given' : reason };
}

/** A network device as `ip -j link show` tells it. */
export interface LinkState {
  readonly mtu: number;
  readonly up: boolean;
}

/** Reads `ip -j link show dev NAME`; `undefined` when the device is not in it. Throws ZodError. */
export function parseLink(output: unknown, name: string): LinkState | undefined {
  const link = Links.parse(output).find(({ ifname }) => ifname === name);
  return link === undefined ? undefined : { mtu: link.mtu, up: link.flags.includes('UP') };
}

/** Our routes as `ip -j route show` tells them: prefixes in canonical text. */
export interface RouteState {
  readonly device: ReadonlySet<string>;
  readonly unreachable: ReadonlySet<string>;
  /** Those that send the packet on to the other tables (`throw`). */
  readonly direct: ReadonlySet<string>;
}

/** Reads `ip -j -4|-6 route show table all`: what table `table` has, by kind. Throws ZodError. */
export function parseRoutes(output: unknown, family: 4 | 6, device: string, table: string): RouteState {
  const found = { device: new Set<string>(), unreachable: new Set<string>(), direct: new Set<string>() };
  for (const route of Routes.parse(output)) {
    if (route.table !== table) continue;
    const prefix = canonicalDestination(route.dst, family);
    if (route.type === 'unreachable') found.unreachable.add(prefix);
    else if (route.type === 'throw') found.direct.add(prefix);
    else if (route.type === undefined && route.dev === device) found.device.add(prefix);
  }
  return found;
}

/**
 * Reads `ip -j -4|-6 route show table main proto kernel`: the prefixes of the networks that this machine is on by any
 * other device than `device`. Throws ZodError.
 */
export function parseConnected(output: unknown, family: 4 | 6, device: string): ReadonlySet<string> {
  const routes = Routes.parse(output).filter(({ type, dev }) => type === undefined && dev !== device);
  return new Set(routes.map(({ dst }) => canonicalDestination(dst, family)));
}

/** A routing rule that leads to our table: packets with this mark are exempt; undefined when the rule is of another kind. */
export interface RuleState {
  readonly exemptMark: number | undefined;
}

/** Reads `ip -j -4|-6 rule show`: the rules that lead to table `table`. Throws ZodError. */
export function parseRules(output: unknown, table: string): readonly RuleState[] {
  return Rules.parse(output)
    .filter((rule) => rule.table === table)
    .map(({ not, fwmark }) => ({
      exemptMark: not === null && fwmark !== undefined && /^0x[0-9a-f]+$/.test(fwmark) ? Number(fwmark) : undefined,
    }));
}

/** `ip` shortens: no `/32`, no `/128`, and `default`. */
function canonicalDestination(destination: string, family: 4 | 6): string {
  if (destination === 'default') return family === 4 ? '0.0.0.0/0' : '::/0';
  return destination.includes('/') ? destination : `${destination}/${family === 4 ? 32 : 128}`;
}

const FAILED = /^Command failed -:([0-9]+)$/;
/** Older iproute2 leaves an empty object in the list for every object that its filter removed. */
const Empty = z.strictObject({}).transform(() => undefined);
const present = <T>(list: readonly (T | undefined)[]): T[] => list.filter((item) => item !== undefined);
const Link = z.object({ ifname: z.string(), mtu: z.number().int(), flags: z.array(z.string()) });
const Links = z.array(z.union([Link, Empty])).transform(present);
const Route = z.object({
  dst: z.string(),
  type: z.string().optional(),
  dev: z.string().optional(),
  table: z.string().optional(),
});
const Routes = z.array(z.union([Route, Empty])).transform(present);
const Rule = z.object({ table: z.string().optional(), not: z.null().optional(), fwmark: z.string().optional() });
const Rules = z.array(z.union([Rule, Empty])).transform(present);
