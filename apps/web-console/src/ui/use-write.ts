import { notifications } from '@mantine/notifications';
import { type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query';
import { failureOf } from '../api/index.js';

interface WriteOptions<Input, Output> {
  readonly onSuccess?: (output: Output, input: Input) => void;
  /** Shows the failure in a corner: for actions that have no dialog to show it in. */
  readonly announce?: boolean;
}

/** A change at the controller. Whatever it was, every view is read anew: intent is small and reading is cheap. */
export function useWrite<Input, Output>(
  write: (input: Input) => Promise<Output>,
  options: WriteOptions<Input, Output> = {},
): UseMutationResult<Output, unknown, Input> {
  const queryClient = useQueryClient();
  return useMutation<Output, unknown, Input>({
    mutationFn: write,
    onSuccess: (output, input) => options.onSuccess?.(output, input),
    onError: (error) => {
      if (options.announce === true) announceFailure(error);
    },
    onSettled: () => queryClient.invalidateQueries(),
  });
}

/** Tells of a failure in the corner of the page. */
export function announceFailure(error: unknown): void {
  const failure = failureOf(error);
  const fixes = failure.errors.map((entry) => `${entry.detail} ${entry.fix}`).join(' ');
  notifications.show({ color: 'red', title: failure.title, message: fixes === '' ? failure.detail : fixes });
}
