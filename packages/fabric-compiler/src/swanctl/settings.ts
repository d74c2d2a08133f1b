/** Where something stands in a text. Both count from 1; columns are UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A section as it is written: what stands in several places under one name is one section (strongswan.conf(5)). */
export interface SettingsSection {
  readonly name: string;
  readonly position: Position;
  readonly settings: ReadonlyMap<string, Setting>;
  readonly sections: ReadonlyMap<string, SettingsSection>;
  /** Sections whose content it inherits. */
  readonly references: readonly Reference[];
}

export interface Setting {
  /** Undefined: "use an empty assignment to clear a value so its default value, if any, will apply". */
  readonly value: string | undefined;
  readonly position: Position;
}

export interface Reference {
  /** From the root. */
  readonly path: readonly string[];
  readonly position: Position;
}

/** Why a text is not taken. It never says what a value is: that may be a secret. */
export interface SettingsProblem {
  readonly rule: SettingsRule;
  readonly position: Position;
  /** Names from the root with dots between them; empty where none has begun. */
  readonly key: string;
  /** What is wrong, one sentence. */
  readonly detail: string;
  /** What to do about it, one sentence. */
  readonly fix: string;
}

export type SettingsRule = 'settings_too_large' | 'settings_syntax' | 'settings_include' | 'settings_reference';

export type SettingsResult =
  | { readonly ok: true; readonly root: SettingsSection }
  | { readonly ok: false; readonly problem: SettingsProblem };
