import { useHotkeys } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { chordDestination } from './shortcuts.js';

interface ShortcutHandlers {
  readonly onPalette: () => void;
  readonly onHelp: () => void;
}

/** Keys of the whole console. Quiet while the reader types in a field or a dialog is open. */
export function useShortcuts({ onPalette, onHelp }: ShortcutHandlers): void {
  const navigate = useNavigate();
  useHotkeys([['mod+K', onPalette]], []);
  useEffect(() => {
    let before = { key: '', at: 0 };
    const listen = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === '?') onHelp();
      const destination = chordDestination(before.key, event.key, event.timeStamp - before.at);
      if (destination !== undefined) void navigate({ to: destination.to });
      before = { key: event.key, at: event.timeStamp };
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, [navigate, onHelp]);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element && target.closest('input, textarea, select, [contenteditable], [role=dialog]') !== null
  );
}
