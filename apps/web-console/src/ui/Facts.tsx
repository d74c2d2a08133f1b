import type { ReactNode } from 'react';

/** Names and values of one thing, aligned. */
export function Facts({ children }: { readonly children: ReactNode }): ReactNode {
  return <dl className="w-facts">{children}</dl>;
}

export function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactNode {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
