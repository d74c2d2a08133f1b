import { NativeSelect } from '@mantine/core';
import type { ReactNode } from 'react';
import { ROLE_MEANINGS, type Role, rolesUpTo } from '../roles.js';

interface RoleSelectProps {
  readonly label: string;
  /** Empty: none. */
  readonly value: Role | '';
  readonly greatest: Role;
  /** What the choice of no role is called; absent: there must be one. */
  readonly none?: string;
  readonly error?: ReactNode;
  readonly onChange: (value: Role | '') => void;
}

/** Chooses a role, and says what it may. */
export function RoleSelect({ label, value, greatest, none, error, onChange }: RoleSelectProps): ReactNode {
  return (
    <NativeSelect
      label={label}
      description={value === '' ? ' ' : ROLE_MEANINGS[value]}
      data={[...(none === undefined ? [] : [{ value: '', label: none }]), ...rolesUpTo(greatest)]}
      value={value}
      error={error}
      onChange={(event) => onChange(event.currentTarget.value as Role | '')}
    />
  );
}
