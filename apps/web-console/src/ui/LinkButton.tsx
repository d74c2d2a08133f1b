import { Button, type ButtonProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, ReactNode, Ref } from 'react';

type AnchorProps = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps>;

function AnchorButton({
  ref,
  ...props
}: ButtonProps & AnchorProps & { readonly ref?: Ref<HTMLAnchorElement> }): ReactNode {
  return <Button component="a" {...(ref === undefined ? {} : { ref })} {...props} />;
}

/** A button that goes to a page: a real link, so that it opens in a new tab when asked to. */
export const LinkButton = createLink(AnchorButton);
