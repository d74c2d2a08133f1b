import { Radio } from '@mantine/core';
import type { ReactNode } from 'react';
import { StateMark } from '../../../ui/StateMark.js';
import { type FabricSettings, SETTINGS, type SettingName } from '../settings.js';

interface SettingFieldProps<Name extends SettingName> {
  readonly name: Name;
  readonly value: FabricSettings[Name];
  /** What runs, in words, where the draft has something else. */
  readonly published: string | undefined;
  /** Why it was not saved. */
  readonly error: ReactNode;
  /** Why the draft cannot be published with it. */
  readonly problems: readonly string[];
  readonly note: string | undefined;
  readonly locked: boolean;
  readonly onChange: (value: FabricSettings[Name]) => void;
}

/** One setting: what can be chosen, and what that means. */
export function SettingField<Name extends SettingName>(props: SettingFieldProps<Name>): ReactNode {
  const { name, value, published, error, problems, note, locked, onChange } = props;
  const { title, lead, choices } = SETTINGS[name];
  return (
    <Radio.Group
      className="w-setting"
      data-setting={name}
      label={title}
      description={note === undefined ? lead : `${lead} ${note}`}
      error={error ?? (problems.length > 0 && <Sentences sentences={problems} />)}
      value={value}
      onChange={(next) => {
        const choice = choices.find((each) => each.value === next);
        if (choice !== undefined) onChange(choice.value);
      }}
    >
      {published !== undefined && (
        <p className="w-setting-published">
          <StateMark tone="idle" label={`Until the next revision edges run ${published}`} />
        </p>
      )}
      <div className="w-setting-choices">
        {choices.map((choice) => (
          <Radio
            key={choice.value}
            value={choice.value}
            disabled={locked}
            label={choice.weaker === true ? <StateMark tone="warning" label={choice.label} /> : choice.label}
            description={choice.meaning}
          />
        ))}
      </div>
    </Radio.Group>
  );
}

function Sentences({ sentences }: { readonly sentences: readonly string[] }): ReactNode {
  return sentences.map((each) => (
    <span key={each} className="w-setting-problem">
      {each}
    </span>
  ));
}
