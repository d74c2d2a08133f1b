import type { Position, Reference, Setting, SettingsProblem, SettingsSection } from './settings.js';

export type ResolveResult =
  | { readonly ok: true; readonly root: ResolvedSection }
  | { readonly ok: false; readonly problem: SettingsProblem };

/** Looks up what sections refer to. What refers to nothing, or to itself, is refused. */
export function resolveSettings(root: SettingsSection): ResolveResult {
  const inheritance = new Inheritance(root);
  const problem = inheritance.check(root, '');
  if (problem !== undefined) return { ok: false, problem };
  return { ok: true, root: new ResolvedSection('', [root], inheritance) };
}

/**
 * A section with what it inherits: "inherited settings/sections will follow those defined in the current section (if multiple
 * sections are referenced, their settings are enumerated left to right)", so the first to have a key decides.
 */
export class ResolvedSection {
  /** Names from the root with dots between them. */
  readonly key: string;
  readonly #parts: readonly SettingsSection[];
  readonly #inheritance: Inheritance;

  constructor(key: string, parts: readonly SettingsSection[], inheritance: Inheritance) {
    this.key = key;
    this.#parts = parts;
    this.#inheritance = inheritance;
  }

  get position(): Position {
    return this.#parts[0]?.position ?? { line: 1, column: 1 };
  }

  /** Without those that an empty assignment clears. */
  get settings(): ReadonlyMap<string, Setting & { readonly value: string }> {
    const merged = new Map<string, Setting>();
    for (const { settings } of this.#parts) {
      for (const [name, setting] of settings) if (!merged.has(name)) merged.set(name, setting);
    }
    return new Map(
      [...merged].flatMap(([name, { value, position }]) => (value === undefined ? [] : [[name, { value, position }]])),
    );
  }

  get sections(): ReadonlyMap<string, ResolvedSection> {
    const names = new Set(this.#parts.flatMap(({ sections }) => [...sections.keys()]));
    return new Map([...names].map((name) => [name, this.#child(name)]));
  }

  #child(name: string): ResolvedSection {
    const parts = this.#inheritance.under(this.#parts, name);
    return new ResolvedSection(this.key === '' ? name : `${this.key}.${name}`, parts, this.#inheritance);
  }
}

/** For each section itself and what it refers to, whatever that refers to included. */
class Inheritance {
  readonly #root: SettingsSection;
  readonly #known = new Map<SettingsSection, readonly SettingsSection[]>();
  readonly #asked = new Set<SettingsSection>();

  constructor(root: SettingsSection) {
    this.#root = root;
  }

  /** Of this section and all within it. */
  check(section: SettingsSection, key: string): SettingsProblem | undefined {
    try {
      this.#of(section);
    } catch (error) {
      if (!(error instanceof InheritanceError)) throw error;
      const { reference, message, fix } = error;
      return { rule: 'settings_reference', position: reference.position, key, detail: message, fix };
    }
    for (const [name, child] of section.sections) {
      const problem = this.check(child, key === '' ? name : `${key}.${name}`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  /** The sections of one name in any of these, each with what it inherits. */
  under(parts: readonly SettingsSection[], name: string): readonly SettingsSection[] {
    return [...new Set(parts.flatMap(({ sections }) => sections.get(name) ?? []).flatMap((part) => this.#of(part)))];
  }

  #of(section: SettingsSection): readonly SettingsSection[] {
    const known = this.#known.get(section);
    if (known !== undefined) return known;
    this.#asked.add(section);
    const inherited = section.references.flatMap((reference) => this.#at(reference));
    this.#asked.delete(section);
    const all = [...new Set([section, ...inherited])];
    this.#known.set(section, all);
    return all;
  }

  #at(reference: Reference): readonly SettingsSection[] {
    let parts: readonly SettingsSection[] = [this.#root];
    for (const name of reference.path) {
      const found = parts.flatMap(({ sections }) => sections.get(name) ?? []);
      if (found.some((section) => this.#asked.has(section))) {
        const fix = 'Let sections refer to sections that do not lead back to them.';
        throw new InheritanceError(
          reference,
          `The section "${reference.path.join('.')}" would inherit from itself`,
          fix,
        );
      }
      parts = this.under(parts, name);
    }
    if (parts.length > 0) return parts;
    const fix = 'Name a section of this text from its root, or take the reference away.';
    throw new InheritanceError(reference, `There is no section "${reference.path.join('.')}" to inherit from`, fix);
  }
}

class InheritanceError extends Error {
  readonly reference: Reference;
  readonly fix: string;

  constructor(reference: Reference, detail: string, fix: string) {
    super(detail);
    this.reference = reference;
    this.fix = fix;
  }
}
