import type { ResolvedSection } from './resolved-settings.js';
import type { Position, SettingsRule } from './settings.js';

/** Why a text is not imported. It never says what a secret is. */
export interface SwanctlProblem {
  readonly rule: SettingsRule | SwanctlRule;
  readonly position: Position;
  /** Names from the root with dots between them. */
  readonly key: string;
  /** What is wrong, one sentence. */
  readonly detail: string;
  /** What to do about it, one sentence. */
  readonly fix: string;
}

/**
 * `unknown_key`: swanctl.conf has none of this name. `not_offered`: external peers cannot have it. `missing_key`: there is nothing to
 * take it from. `unmapped_value`: the value has no counterpart here. `other_end`: it does not fit the edge that is to have the tunnel.
 */
export type SwanctlRule =
  | 'unknown_key'
  | 'not_offered'
  | 'missing_key'
  | 'unmapped_value'
  | 'other_end'
  | 'no_connections'
  | 'too_many_connections';

/** A setting that concerns the gateway alone: nothing here follows from it. */
export interface GatewaySetting {
  readonly key: string;
  readonly line: number;
}

/** Collects what is said about a text. */
export class ImportReport {
  readonly problems: SwanctlProblem[] = [];
  readonly leftAtGateway: GatewaySetting[] = [];

  /** About a setting of the section, or about the section when it has none of the name. */
  refuse(section: ResolvedSection, name: string, rule: SwanctlRule, detail: string, fix: string): undefined {
    const position = section.settings.get(name)?.position ?? section.sections.get(name)?.position ?? section.position;
    const key = [section.key, name].filter((part) => part !== '').join('.');
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ rule, position, key, detail, fix });
    return undefined;
  }

  leave({ key, settings }: ResolvedSection, name: string): void {
    this.leftAtGateway.push({ key: `${key}.${name}`, line: settings.get(name)?.position.line ?? 0 });
  }
}

const MAX_PROBLEMS = 50;
