import type { ReactNode } from 'react';

/** The mark, two threads crossing two, and the name. */
export function Wordmark({ size = 24 }: { readonly size?: number }): ReactNode {
  return (
    <span className="w-wordmark" style={{ fontSize: size * 0.72 }}>
      <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
        <rect width="24" height="24" rx="5.5" fill="var(--mantine-color-weft-6)" />
        <g stroke="#fff" strokeWidth="2" strokeLinecap="round" fill="none">
          <path d="M8 4.500v3M8 12v7.500M16 4.500V12M16 16.500v3" />
          <path d="M4.500 9.500h7M16 9.500h3.500M4.500 14.500H8M12.500 14.500h7" />
        </g>
      </svg>
      Weft
    </span>
  );
}
