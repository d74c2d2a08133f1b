import { type DragEvent, type KeyboardEvent, useState } from 'react';

export interface ReorderProps {
  readonly draggable: boolean;
  readonly 'data-drop': 'before' | 'after' | undefined;
  readonly onDragStart: (event: DragEvent<HTMLElement>) => void;
  readonly onDragOver: (event: DragEvent<HTMLElement>) => void;
  readonly onDragEnd: () => void;
  readonly onDrop: (event: DragEvent<HTMLElement>) => void;
  readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
}

/**
 * Reorders a list by dragging, and by Alt with an arrow key on a focused item. `kind` keeps lists apart: an item is
 * dropped only where it came from.
 */
export function useReordering(kind: string, move: (from: number, to: number) => void): (index: number) => ReorderProps {
  const [dragged, setDragged] = useState<number | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const end = (): void => {
    setDragged(null);
    setOver(null);
  };
  return (index) => ({
    draggable: true,
    'data-drop':
      dragged === null || over !== index || over === dragged ? undefined : over < dragged ? 'before' : 'after',
    onDragStart: (event) => {
      event.stopPropagation();
      event.dataTransfer.effectAllowed = 'move';
      event.dataTransfer.setData(`text/${kind}`, String(index));
      setDragged(index);
    },
    onDragOver: (event) => {
      if (dragged === null) return;
      event.preventDefault();
      event.stopPropagation();
      setOver(index);
    },
    onDragEnd: end,
    onDrop: (event) => {
      if (dragged === null) return;
      event.preventDefault();
      event.stopPropagation();
      if (dragged !== index) move(dragged, index);
      end();
    },
    onKeyDown: (event) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!event.altKey || step === undefined || event.target !== event.currentTarget) return;
      event.preventDefault();
      event.stopPropagation();
      move(index, index + step);
    },
  });
}
