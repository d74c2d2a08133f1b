import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { compareNames } from '../../../lib/compare.js';
import { instantOfLocal, localInputOf } from '../../../lib/local-input.js';
import { LinkButton } from '../../../ui/LinkButton.js';
import { ACTIONS, actionLabel } from '../describe.js';
import { type AuditConditions, auditSearch, isNarrowed } from '../search.js';

type Fields = Readonly<Record<keyof AuditConditions, string>>;

const ACTION_CHOICES = [
  { value: '', label: 'anything' },
  ...ACTIONS.map((action) => ({ value: action, label: actionLabel(action) })).sort((a, b) =>
    compareNames(a.label, b.label),
  ),
];

/** Says what entries to look for. They are in the URL once it is sent, and the form follows the URL. */
export function SearchForm({ conditions }: { readonly conditions: AuditConditions }): ReactNode {
  const navigate = useNavigate();
  const [fields, setFields] = useState(() => fieldsOf(conditions));
  const [followed, setFollowed] = useState(() => JSON.stringify(conditions));
  if (followed !== JSON.stringify(conditions)) {
    setFollowed(JSON.stringify(conditions));
    setFields(fieldsOf(conditions));
  }
  const input = (name: keyof Fields) => ({
    value: fields[name],
    onChange: ({ currentTarget }: { readonly currentTarget: { readonly value: string } }) =>
      setFields({ ...fields, [name]: currentTarget.value }),
  });
  return (
    <form
      className="w-question w-question-wide"
      aria-label="Search"
      onSubmit={(event) => {
        event.preventDefault();
        void navigate({ to: '/audit', search: searchOf(fields) });
      }}
    >
      <TextInput label="Who" placeholder="anybody" maxLength={100} {...input('actor')} />
      <NativeSelect label="What" data={ACTION_CHOICES} {...input('action')} />
      <TextInput
        label="About"
        placeholder="Name, identifier or revision"
        title="An edge, a user, a webhook or an API token, or the number of a revision: exactly as the details have it"
        maxLength={200}
        {...input('object')}
      />
      <TextInput label="From" type="datetime-local" step={1} {...input('since')} />
      <TextInput label="Until" type="datetime-local" step={1} {...input('until')} />
      <div className="w-question-actions">
        <Button type="submit">Search</Button>
        {isNarrowed(conditions) && (
          <LinkButton to="/audit" variant="default">
            Clear
          </LinkButton>
        )}
      </div>
    </form>
  );
}

function fieldsOf({ actor = '', action, object = '', since, until }: AuditConditions): Fields {
  return { actor, action: action ?? '', object, since: localInputOf(since), until: localInputOf(until) };
}

function searchOf({ since, until, ...fields }: Fields): AuditConditions {
  return auditSearch({ ...fields, since: instantOfLocal(since), until: instantOfLocal(until) });
}
